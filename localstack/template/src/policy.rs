//! What a role allows, as far as something here checks it.

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::{Map, Value as Json};

use crate::{
    resources::Resource,
    values::{known, plain, texts},
};

/// Services whose permissions are checked locally. Statements about others are not kept.
const CHECKED: [&str; 5] = ["execute-api", "s3", "secretsmanager", "ses", "sqs"];

/// Managed policies of AWS that allow nothing that is checked locally.
const HARMLESS: [&str; 4] = [
    "AWSLambdaBasicExecutionRole",
    "AWSLambdaENIManagementAccess",
    "AWSLambdaVPCAccessExecutionRole",
    "AWSXRayDaemonWriteAccess",
];

/// Properties of a role. A boundary is none of them, because it could take permissions away.
const ROLE: [&str; 6] =
    ["AssumeRolePolicyDocument", "Description", "ManagedPolicyArns", "Policies", "RoleName", "Tags"];

/// The statements of a role's policies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy(Vec<Statement>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Statement {
    allows: bool,
    actions: Vec<String>,
    resources: Vec<String>,
}

impl Policy {
    /// Whether an action on a resource is allowed: by one statement, and denied by none.
    pub fn allows(&self, action: &str, resource: &str) -> bool {
        let mut about = self.0.iter().filter(|statement| statement.is_about(action, resource)).peekable();
        about.peek().is_some() && about.all(|statement| statement.allows)
    }

    /// The policy of a function: that of its role, or of the role that SAM makes.
    pub(crate) fn of_function(properties: &Json, all: &[Resource]) -> Result<Self> {
        if let Some(role) = properties.get("Role").and_then(Json::as_str) {
            return Self::of_role(role, all);
        }
        let mut policy = Self::default();
        policy.add_each(properties.get("Policies"), all)?;
        Ok(policy)
    }

    /// The policy of a role, by its ARN.
    pub(crate) fn of_role(arn: &str, all: &[Resource]) -> Result<Self> {
        let mut policy = Self::default();
        policy.add_role(arn, all).with_context(|| format!("in its role `{arn}`"))?;
        Ok(policy)
    }

    /// What the policy of a bucket lets a service do in the name of one of our resources.
    pub(crate) fn of_service(service: &str, source: &str, bucket: &str, all: &[Resource]) -> Result<Self> {
        // A request that the service signs in a header, anew each time. Nothing is encrypted on its way here, which stands for TLS.
        let facts = [
            ("aws:SecureTransport", "true"),
            ("aws:SourceArn", source),
            ("s3:authType", "REST-HEADER"),
            ("s3:signatureAge", "0"),
        ];
        let mut policy = Self::default();
        for resource in all.iter().filter(|resource| resource.kind == "AWS::S3::BucketPolicy") {
            if resource.properties.get("Bucket").and_then(Json::as_str) == Some(bucket) {
                policy.add_bucket(resource, service, &facts).with_context(|| format!("in `{}`", resource.id))?;
            }
        }
        Ok(policy)
    }

    /// Adds the statements of a bucket's policy that are about such a request.
    fn add_bucket(&mut self, resource: &Resource, service: &str, facts: &[(&str, &str)]) -> Result<()> {
        let document = resource.properties.get("PolicyDocument").context("`PolicyDocument` is missing")?;
        for statement in document.get("Statement").and_then(Json::as_array).into_iter().flatten() {
            known(statement, &["Action", "Condition", "Effect", "Principal", "Resource", "Sid"])?;
            if is_for(statement, service)? && holds(statement.get("Condition"), facts)? {
                self.0.push(Statement::plain(statement)?);
            }
        }
        Ok(())
    }

    fn add_role(&mut self, arn: &str, all: &[Resource]) -> Result<()> {
        let id = arn.rsplit(':').next().and_then(|name| name.strip_suffix("/Arn")).unwrap_or(arn);
        let role = all.iter().find(|resource| resource.id == id && resource.kind == "AWS::IAM::Role");
        let role = role.context("it is not a role of the template")?;
        known(&Json::Object(role.properties.clone()), &ROLE)?;
        self.add_each(role.properties.get("Policies"), all)?;
        self.add_each(role.properties.get("ManagedPolicyArns"), all)?;
        for resource in all.iter().filter(|it| ["AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"].contains(&&*it.kind)) {
            if texts(&Json::Object(resource.properties.clone()), "Roles")?.iter().any(|role| role == id) {
                self.add_document(&resource.properties)?;
            }
        }
        Ok(())
    }

    /// Adds policies: documents, or names of managed ones.
    fn add_each(&mut self, policies: Option<&Json>, all: &[Resource]) -> Result<()> {
        let policies = match policies {
            None => return Ok(()),
            Some(Json::Array(policies)) => policies.as_slice(),
            Some(policy) => std::slice::from_ref(policy),
        };
        for policy in policies {
            match policy {
                Json::String(name) => {
                    let own = all.iter().find(|it| it.id == *name && it.kind == "AWS::IAM::ManagedPolicy");
                    match own {
                        Some(own) => self.add_document(&own.properties)?,
                        None => ensure!(
                            HARMLESS.iter().any(|harmless| name.ends_with(harmless)),
                            "unsupported managed policy `{name}`"
                        ),
                    }
                }
                Json::Object(policy) => self.add_document(policy)?,
                other => bail!("a policy is a mapping or a name, not {other}"),
            }
        }
        Ok(())
    }

    /// Adds the statements of a policy, which may be wrapped in `PolicyDocument`.
    fn add_document(&mut self, policy: &Map<String, Json>) -> Result<()> {
        let document = policy.get("PolicyDocument").and_then(Json::as_object).unwrap_or(policy);
        let statements = document.get("Statement").with_context(|| {
            let keys: Vec<&str> = policy.keys().map(String::as_str).collect();
            format!("a policy without `Statement` is unsupported: {}", keys.join(", "))
        })?;
        let statements = statements.as_array().map_or(std::slice::from_ref(statements), Vec::as_slice);
        for statement in statements {
            self.0.extend(Statement::read(statement)?);
        }
        Ok(())
    }
}

impl Statement {
    /// `None` if it is about nothing that is checked.
    fn read(statement: &Json) -> Result<Option<Self>> {
        let actions = texts(statement, "Action")?;
        let is_checked = |action: &String| {
            let service = action.split(':').next().unwrap_or_default();
            CHECKED.iter().any(|checked| matches(service, checked))
        };
        if !actions.is_empty() && !actions.iter().any(is_checked) {
            return Ok(None);
        }
        for unsupported in ["Condition", "NotAction", "NotResource", "Principal", "NotPrincipal"] {
            ensure!(statement.get(unsupported).is_none(), "unsupported `{unsupported}` in a statement of a policy");
        }
        Self::plain(statement).map(Some)
    }

    /// Its effect, actions and resources.
    fn plain(statement: &Json) -> Result<Self> {
        let allows = match statement.get("Effect").and_then(Json::as_str) {
            Some("Allow") => true,
            Some("Deny") => false,
            other => return Err(anyhow!("the effect of a statement is `Allow` or `Deny`, not {other:?}")),
        };
        Ok(Self { allows, actions: texts(statement, "Action")?, resources: texts(statement, "Resource")? })
    }

    fn is_about(&self, action: &str, resource: &str) -> bool {
        // Actions are compared without their case, resources with it.
        let action = action.to_ascii_lowercase();
        self.actions.iter().any(|pattern| matches(&pattern.to_ascii_lowercase(), &action))
            && self.resources.iter().any(|pattern| matches(pattern, resource))
    }
}

/// Whether a statement of a resource's policy is about requests of a service.
fn is_for(statement: &Json, service: &str) -> Result<bool> {
    match statement.get("Principal") {
        Some(Json::String(everybody)) if everybody == "*" => Ok(true),
        Some(principal @ Json::Object(_)) => {
            known(principal, &["Service"]).context("in `Principal`")?;
            Ok(texts(principal, "Service")?.iter().any(|name| name == service))
        }
        other => bail!("unsupported `Principal`: {other:?}"),
    }
}

/// Whether everything that a condition asks for is so.
fn holds(condition: Option<&Json>, facts: &[(&str, &str)]) -> Result<bool> {
    for (operator, asked) in condition.and_then(Json::as_object).into_iter().flatten() {
        for (key, wanted) in asked.as_object().with_context(|| format!("`{operator}` is no mapping"))? {
            let fact = facts.iter().find(|(name, _)| name.eq_ignore_ascii_case(key));
            let (_, fact) = fact.with_context(|| format!("unsupported key `{key}` of a condition"))?;
            let wanted = plain(wanted)?;
            let is_so = match operator.as_str() {
                "Bool" | "StringEquals" => *fact == wanted,
                "NumericGreaterThan" => fact.parse::<f64>()? > wanted.parse::<f64>()?,
                unknown => bail!("unsupported operator `{unknown}` of a condition"),
            };
            if !is_so {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// Whether a text fits a pattern, in which `*` is any text and `?` any character.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut next) = (0, 0);
    // Where the latest `*` is, and how much of the text it has taken.
    let mut star: Option<(usize, usize)> = None;
    while next < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, next));
                at += 1;
            }
            Some(letter) if *letter == '?' || *letter == text[next] => {
                at += 1;
                next += 1;
            }
            _ => {
                let Some((position, taken)) = star else { return false };
                star = Some((position, taken + 1));
                at = position + 1;
                next = taken + 1;
            }
        }
    }
    pattern[at..].iter().all(|letter| *letter == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pattern_has_wildcards() {
        for (pattern, text, fits) in [
            ("a/*/POST/*", "a/b/POST/@connections/x=", true),
            ("a/*/POST/*", "a/b/DELETE/@connections/x=", false),
            ("*", "", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*ab", "aab", true),
            ("a*", "b", false),
            ("abc", "ab", false),
        ] {
            assert_eq!(matches(pattern, text), fits, "{pattern} {text}");
        }
    }
}

//! `CloudFormation`'s intrinsic functions, resolved to plain JSON.

use std::collections::BTreeMap;

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::{Map, Value as Json};
use serde_norway::Value as Yaml;

use crate::{
    bucket,
    model::ACCOUNT,
    queue,
    values::{plain, scalar},
};

/// What names in a template stand for.
pub(crate) struct Scope {
    pub(crate) region: String,
    pub(crate) stack: String,
    /// Parameters with their values, lists already split.
    pub(crate) parameters: BTreeMap<String, Json>,
    /// The `Conditions` section, unresolved.
    pub(crate) conditions: BTreeMap<String, Yaml>,
    /// What `!Ref` answers for a resource, SAM's generated ones included, and for `Alias` and `Version` of a function.
    pub(crate) references: BTreeMap<String, String>,
    /// ARNs of functions, by logical id.
    pub(crate) functions: BTreeMap<String, String>,
    /// Names of queues, by logical id.
    pub(crate) queues: BTreeMap<String, String>,
    /// Names of buckets, by logical id.
    pub(crate) buckets: BTreeMap<String, String>,
}

impl Scope {
    /// Resolves a value; `None` is `AWS::NoValue`.
    pub(crate) fn resolve(&self, value: &Yaml) -> Result<Option<Json>> {
        match value {
            Yaml::Tagged(tagged) => {
                let tag = tagged.tag.to_string();
                self.call(tag.trim_start_matches('!'), &tagged.value)
            }
            Yaml::Sequence(items) => {
                let resolved: Result<Vec<_>> = items.iter().map(|item| self.resolve(item)).collect();
                Ok(Some(resolved?.into_iter().flatten().collect()))
            }
            Yaml::Mapping(entries) => {
                if let Some((function, argument)) = long_form(value) {
                    return self.call(function, argument);
                }
                let mut resolved = Map::new();
                for (key, entry) in entries {
                    let key = scalar(key).context("a mapping's key is not a scalar")?;
                    if let Some(entry) = self.resolve(entry).with_context(|| format!("in `{key}`"))? {
                        resolved.insert(key, entry);
                    }
                }
                Ok(Some(Json::Object(resolved)))
            }
            plain => Ok(Some(serde_json::to_value(plain)?)),
        }
    }

    /// Says whether a named condition holds.
    pub(crate) fn holds(&self, name: &str) -> Result<bool> {
        let condition = self.conditions.get(name).with_context(|| format!("condition `{name}` is not defined"))?;
        self.test(condition).with_context(|| format!("in condition `{name}`"))
    }

    fn call(&self, function: &str, argument: &Yaml) -> Result<Option<Json>> {
        match function {
            "Ref" => self.reference(&text(argument, "Ref")?),
            "Sub" => self.substitute(argument).map(|text| Some(Json::String(text))),
            "GetAtt" => self.attribute(argument).map(|text| Some(Json::String(text))),
            "If" => match list(argument, "If")? {
                [condition, then, otherwise] => {
                    let holds = self.holds(&text(condition, "If")?)?;
                    self.resolve(if holds { then } else { otherwise })
                }
                _ => bail!("`Fn::If` takes a condition and two values"),
            },
            "Join" => match list(argument, "Join")? {
                [separator, parts] => {
                    let parts = self.strings(parts)?;
                    Ok(Some(Json::String(parts.join(&text(separator, "Join")?))))
                }
                _ => bail!("`Fn::Join` takes a separator and a list"),
            },
            "Split" => match list(argument, "Split")? {
                [separator, whole] => {
                    let whole = self.string(whole)?;
                    Ok(Some(whole.split(&text(separator, "Split")?).collect()))
                }
                _ => bail!("`Fn::Split` takes a separator and a text"),
            },
            "Select" => match list(argument, "Select")? {
                [index, items] => {
                    let index: usize = self.string(index)?.parse().context("`Fn::Select` takes an index")?;
                    let items = self.strings(items)?;
                    let item = items.get(index).with_context(|| format!("`Fn::Select` has no item {index}"))?;
                    Ok(Some(Json::String(item.clone())))
                }
                _ => bail!("`Fn::Select` takes an index and a list"),
            },
            "Equals" | "Not" | "And" | "Or" | "Condition" => {
                self.truth(function, argument).map(|truth| Some(Json::Bool(truth)))
            }
            unknown => Err(anyhow!("unsupported intrinsic function `{unknown}`")),
        }
    }

    fn reference(&self, name: &str) -> Result<Option<Json>> {
        let pseudo = match name {
            "AWS::NoValue" => return Ok(None),
            "AWS::Region" => self.region.clone(),
            "AWS::AccountId" => ACCOUNT.to_owned(),
            "AWS::Partition" => "aws".to_owned(),
            "AWS::StackName" => self.stack.clone(),
            "AWS::StackId" => format!("arn:aws:cloudformation:{}:{ACCOUNT}:stack/{}/local", self.region, self.stack),
            "AWS::URLSuffix" => "amazonaws.com".to_owned(),
            name => {
                if let Some(value) = self.parameters.get(name) {
                    return Ok(Some(value.clone()));
                }
                self.references
                    .get(name)
                    .with_context(|| format!("`{name}` is neither a parameter nor a resource of the template"))?
                    .clone()
            }
        };
        Ok(Some(Json::String(pseudo)))
    }

    fn attribute(&self, argument: &Yaml) -> Result<String> {
        let path = match argument {
            Yaml::Sequence(parts) => parts.iter().map(|part| self.string(part)).collect::<Result<Vec<_>>>()?.join("."),
            other => text(other, "GetAtt")?,
        };
        let (resource, attribute) = path
            .split_once('.')
            .with_context(|| format!("`Fn::GetAtt` takes a resource and an attribute, not `{path}`"))?;
        ensure!(self.references.contains_key(resource), "`{resource}` is not a resource of the template");
        if let Some(name) = self.queues.get(resource) {
            return match attribute {
                "Arn" => Ok(queue::queue_arn(name)),
                "QueueName" => Ok(name.clone()),
                "QueueUrl" => Ok(queue::url(name)),
                unknown => bail!("a queue has no attribute `{unknown}`"),
            };
        }
        if let Some(name) = self.buckets.get(resource) {
            return match attribute {
                "Arn" => Ok(bucket::bucket_arn(name)),
                "RegionalDomainName" => Ok(format!("{name}.s3.{}.amazonaws.com", self.region)),
                unknown => bail!("unsupported attribute `{unknown}` of a bucket"),
            };
        }
        match (self.functions.get(resource), attribute) {
            (Some(arn), "Arn") => Ok(arn.clone()),
            (Some(_), unknown) => bail!("a function has no attribute `{unknown}`"),
            _ => Ok(format!("arn:aws:local:{}:{ACCOUNT}:{resource}/{attribute}", self.region)),
        }
    }

    fn substitute(&self, argument: &Yaml) -> Result<String> {
        let (pattern, own) = match argument {
            Yaml::Sequence(parts) => match parts.as_slice() {
                [pattern, own] => (text(pattern, "Sub")?, self.resolve(own)?.unwrap_or_default()),
                _ => bail!("`Fn::Sub` takes a text, or a text and a mapping"),
            },
            other => (text(other, "Sub")?, Json::Null),
        };
        let mut result = String::new();
        let mut rest = pattern.as_str();
        while let Some(start) = rest.find("${") {
            result.push_str(&rest[..start]);
            let end = rest[start..].find('}').with_context(|| format!("`{pattern}` has an unclosed `${{`"))? + start;
            let name = rest[start + 2..end].trim();
            if let Some(literal) = name.strip_prefix('!') {
                result.push_str("${");
                result.push_str(literal);
                result.push('}');
            } else if let Some(value) = own.get(name) {
                result.push_str(&plain(value)?);
            } else if name.contains('.') {
                result.push_str(&self.attribute(&Yaml::String(name.to_owned()))?);
            } else {
                let value = self.reference(name)?.with_context(|| format!("`{name}` has no value inside a text"))?;
                result.push_str(&plain(&value)?);
            }
            rest = &rest[end + 1..];
        }
        result.push_str(rest);
        Ok(result)
    }

    fn test(&self, condition: &Yaml) -> Result<bool> {
        match condition {
            Yaml::Tagged(tagged) => {
                let tag = tagged.tag.to_string();
                self.truth(tag.trim_start_matches('!'), &tagged.value)
            }
            other => {
                let (function, argument) = long_form(other).context("a condition must be an intrinsic function")?;
                self.truth(function, argument)
            }
        }
    }

    fn truth(&self, function: &str, argument: &Yaml) -> Result<bool> {
        match function {
            "Condition" => self.holds(&text(argument, "Condition")?),
            "Equals" => match list(argument, "Equals")? {
                [one, other] => Ok(self.string(one)? == self.string(other)?),
                _ => bail!("`Fn::Equals` takes two values"),
            },
            "Not" => match list(argument, "Not")? {
                [condition] => Ok(!self.test(condition)?),
                _ => bail!("`Fn::Not` takes one condition"),
            },
            "And" | "Or" => {
                let truths =
                    list(argument, function)?.iter().map(|each| self.test(each)).collect::<Result<Vec<_>>>()?;
                Ok(if function == "And" { truths.iter().all(|it| *it) } else { truths.iter().any(|it| *it) })
            }
            unknown => Err(anyhow!("unsupported intrinsic function `{unknown}` in a condition")),
        }
    }

    fn string(&self, value: &Yaml) -> Result<String> {
        plain(&self.resolve(value)?.context("`AWS::NoValue` where a text is needed")?)
    }

    fn strings(&self, value: &Yaml) -> Result<Vec<String>> {
        match self.resolve(value)? {
            Some(Json::Array(items)) => items.iter().map(plain).collect(),
            other => bail!("a list is needed, not {other:?}"),
        }
    }
}

fn long_form(value: &Yaml) -> Option<(&str, &Yaml)> {
    let entries = value.as_mapping()?;
    let (key, argument) = entries.iter().next()?;
    let key = key.as_str()?;
    match key {
        "Ref" => Some((key, argument)),
        "Condition" if argument.is_string() && entries.len() == 1 => Some((key, argument)),
        _ => key.strip_prefix("Fn::").map(|function| (function, argument)),
    }
    .filter(|_| entries.len() == 1)
}

fn text(value: &Yaml, function: &str) -> Result<String> {
    scalar(value).with_context(|| format!("`{function}` takes a text"))
}

fn list<'v>(value: &'v Yaml, function: &str) -> Result<&'v [Yaml]> {
    value.as_sequence().map(Vec::as_slice).with_context(|| format!("`{function}` takes a list"))
}

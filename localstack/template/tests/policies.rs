//! What the roles of a template allow.
#![expect(clippy::unwrap_used, reason = "what fails here fails a test")]

use std::{collections::BTreeMap, path::Path};

use template::{ACCOUNT, Policy, REGION, Template};

/// A function with these properties, and a role with these policies.
fn template(function: &str, policies: &str) -> anyhow::Result<Template> {
    let text = format!(
        "Resources:
  Api: {{Type: AWS::Serverless::WebSocketApi, Properties: {{StageName: v1}}}}
  F: {{Type: AWS::Serverless::Function, Properties: {{CodeUri: f, {function}}}}}
  Role: {{Type: AWS::IAM::Role, Properties: {{{policies}}}}}
"
    );
    Template::parse(&text, &BTreeMap::new())
}

fn policy(function: &str, policies: &str) -> Policy {
    template(function, policies).unwrap().function("f").unwrap().policy.clone()
}

fn connections(api: &str, stage: &str, method: &str) -> String {
    format!("arn:aws:execute-api:{REGION}:{ACCOUNT}:{api}/{stage}/{method}/@connections/x=")
}

const MANAGE: &str = "execute-api:ManageConnections";
const POST_ONLY: &str =
    "Policies: [{PolicyName: p, PolicyDocument: {Statement: [{Effect: Allow, Action: execute-api:ManageConnections,
    Resource: !Sub 'arn:aws:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/v1/POST/@connections/*'}]}}]";

#[test]
fn role_allows_its_action_on_its_resource_only() {
    let policy = policy("Role: !GetAtt Role.Arn", POST_ONLY);

    assert!(policy.allows(MANAGE, &connections("Api", "v1", "POST")));
    assert!(policy.allows("Execute-Api:manageconnections", &connections("Api", "v1", "POST")));
    assert!(!policy.allows("execute-api:Invoke", &connections("Api", "v1", "POST")));
    assert!(!policy.allows(MANAGE, &connections("Api", "v1", "DELETE")));
    assert!(!policy.allows(MANAGE, &connections("Api", "v2", "POST")));
    assert!(!policy.allows(MANAGE, &connections("Other", "v1", "POST")));
}

#[test]
fn denial_wins_over_permission() {
    let policies = "Policies: [{Statement: [{Effect: Allow, Action: 'execute-api:*', Resource: '*'},
        {Effect: Deny, Action: execute-api:ManageConnections, Resource: '*/DELETE/*'}]}]";
    let policy = policy(policies, "");

    assert!(policy.allows(MANAGE, &connections("Api", "v1", "POST")));
    assert!(!policy.allows(MANAGE, &connections("Api", "v1", "DELETE")));
}

#[test]
fn function_without_policies_may_do_nothing() {
    assert!(!policy("Timeout: 3", POST_ONLY).allows(MANAGE, &connections("Api", "v1", "POST")));
}

#[test]
fn policy_of_its_own_is_attached_by_the_name_of_the_role() {
    let text = "Resources:
  F: {Type: AWS::Serverless::Function, Properties: {CodeUri: f, Role: !GetAtt Role.Arn}}
  Role: {Type: AWS::IAM::Role, Properties: {ManagedPolicyArns: [!Ref Managed]}}
  Inline: {Type: AWS::IAM::Policy, Properties: {Roles: [!Ref Role], PolicyDocument: {Statement: {Effect: Allow, Action: 's3:GetObject', Resource: a}}}}
  Managed: {Type: AWS::IAM::ManagedPolicy, Properties: {PolicyDocument: {Statement: {Effect: Allow, Action: 's3:PutObject', Resource: a}}}}
";
    let template = Template::parse(text, &BTreeMap::new()).unwrap();
    let policy = &template.function("f").unwrap().policy;

    assert!(policy.allows("s3:GetObject", "a") && policy.allows("s3:PutObject", "a"));
}

#[test]
fn unsupported_policy_is_named() {
    let error = |function: &str, policies: &str| format!("{:#}", template(function, policies).unwrap_err());

    let role = "Role: !GetAtt Role.Arn";
    let managed = error(role, "ManagedPolicyArns: [arn:aws:iam::aws:policy/AdministratorAccess]");
    assert!(managed.contains("`arn:aws:iam::aws:policy/AdministratorAccess`"), "{managed}");
    let condition =
        error("Policies: [{Statement: {Effect: Allow, Action: 's3:*', Resource: '*', Condition: {Bool: {a: b}}}}]", "");
    assert!(condition.contains("`Condition`"), "{condition}");
    let canned = error("Policies: [{S3ReadPolicy: {BucketName: b}}]", "");
    assert!(canned.contains("S3ReadPolicy"), "{canned}");
    let foreign = error("Role: arn:aws:iam::123456789012:role/other", "");
    assert!(foreign.contains("not a role of the template"), "{foreign}");
    let bounded = error(role, "PermissionsBoundary: arn:aws:iam::123456789012:policy/bounds");
    assert!(bounded.contains("property `PermissionsBoundary`"), "{bounded}");
    let unchecked =
        "Policies: [{Statement: {Effect: Deny, Action: 'ec2:*', Resource: '*', Condition: {Bool: {a: b}}}}]";
    template(unchecked, "").unwrap();
}

#[test]
fn deployed_roles_allow_what_their_functions_do() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yaml");
    let template = Template::load(&path, &BTreeMap::new()).unwrap();
    let may = |function: &str, method: &str| {
        let stage = &template.websocket.as_ref().unwrap().stage;
        template.function(function).unwrap().policy.allows(MANAGE, &connections("WebSocketApi", stage, method))
    };

    assert!(may("messages", "POST") && may("ws-send", "POST") && may("ws-send", "DELETE") && may("auth", "DELETE"));
    assert!(!may("messages", "DELETE") && !may("docs", "POST") && !may("ws-disconnect", "POST"));
}

#[test]
fn deployed_functions_send_mail_from_one_identity_only() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yaml");
    let parameters = BTreeMap::from([("MailIdentity".to_owned(), "chat.example".to_owned())]);
    let template = Template::load(&path, &parameters).unwrap();
    let may = |function: &str, identity: &str| {
        let identity = format!("arn:aws:ses:{REGION}:{ACCOUNT}:identity/{identity}");
        template.function(function).unwrap().policy.allows("ses:SendEmail", &identity)
    };

    assert!(may("auth", "chat.example") && may("send-mail", "chat.example"));
    assert!(!may("auth", "other.example") && !may("send-mail", "other.example") && !may("users", "chat.example"));
}

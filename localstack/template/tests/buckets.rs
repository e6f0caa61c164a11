//! Buckets and the functions that are told of their objects.
#![expect(clippy::unwrap_used, reason = "what fails here fails a test")]

use std::collections::BTreeMap;

use template::{Bucket, CorsRule, Template};

const STACK: &str = "
Resources:
  Uploads:
    Type: AWS::S3::Bucket
    DeletionPolicy: Retain
    UpdateReplacePolicy: Retain
    Properties:
      PublicAccessBlockConfiguration: {BlockPublicAcls: true}
      NotificationConfiguration: {EventBridgeConfiguration: {EventBridgeEnabled: true}}
      CorsConfiguration:
        CorsRules:
          - {AllowedOrigins: ['http://localhost:3000'], AllowedMethods: [PUT], AllowedHeaders: [content-type], MaxAge: 3600}
      LifecycleConfiguration: {Rules: []}
  Files:
    Type: AWS::S3::Bucket
    Properties: {BucketName: !Sub '${AWS::StackName}-files'}
  FilesPolicy:
    Type: AWS::S3::BucketPolicy
    Properties: {Bucket: !Ref Files}
  Inspect:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: inspect
      Environment: {Variables: {UPLOADS: !Ref Uploads}}
      Policies:
        - Statement: {Effect: Allow, Action: 's3:GetObject', Resource: !Sub '${Uploads.Arn}/*'}
      Events:
        Arrived:
          Type: EventBridgeRule
          Properties:
            Pattern:
              source: [aws.s3]
              detail-type: [Object Created]
              detail: {bucket: {name: [!Ref Uploads]}}
";

fn parse(text: &str) -> Template {
    Template::parse(text, &BTreeMap::new()).unwrap()
}

/// The error after a part of the stack was replaced.
fn error(part: &str, by: &str) -> String {
    assert!(STACK.contains(part), "{part}");
    format!("{:#}", Template::parse(&STACK.replacen(part, by, 1), &BTreeMap::new()).unwrap_err())
}

#[test]
fn bucket_has_what_its_resource_says() {
    let template = parse(STACK);

    let files = Bucket { logical_id: "Files".into(), name: "local-files".into(), events: false, cors: Vec::new() };
    let rule = CorsRule {
        origins: vec!["http://localhost:3000".into()],
        methods: vec!["PUT".into()],
        headers: vec!["content-type".into()],
        exposed: Vec::new(),
        max_age: Some(3600),
    };
    let uploads = Bucket { logical_id: "Uploads".into(), name: "local-uploads".into(), events: true, cors: vec![rule] };
    assert_eq!(template.buckets, [files, uploads]);
}

#[test]
fn function_knows_the_buckets_that_it_is_told_of() {
    let template = parse(STACK);

    let inspect = template.function("inspect").unwrap();
    assert_eq!(inspect.environment["UPLOADS"], "local-uploads");
    assert_eq!(inspect.bucket_events, ["local-uploads"]);
    assert!(inspect.policy.allows("s3:GetObject", "arn:aws:s3:::local-uploads/abc"));
    assert!(!inspect.policy.allows("s3:PutObject", "arn:aws:s3:::local-uploads/abc"));
    assert!(!inspect.policy.allows("s3:GetObject", "arn:aws:s3:::local-files/abc"));
}

#[test]
fn unsupported_part_of_a_bucket_is_named() {
    assert!(error("LifecycleConfiguration", "WebsiteConfiguration").contains("property `WebsiteConfiguration`"));
    assert!(error("MaxAge: 3600", "Whatever: 1").contains("property `Whatever`"));
    assert!(error("EventBridgeConfiguration: {", "LambdaConfigurations: {").contains("`LambdaConfigurations`"));
    assert!(error("-files'", "_files'").contains("`local_files` is not the name of a bucket"));
}

#[test]
fn pattern_of_other_events_is_refused() {
    assert!(error("[Object Created]", "[Object Deleted]").contains("unsupported `Pattern`"));
    assert!(error("name: [!Ref Uploads]", "name: [!Ref Uploads, !Ref Files]").contains("unsupported `Pattern`"));
    assert!(error("name: [!Ref Uploads]", "name: [!Ref Files]").contains("`Files` tells `EventBridge` nothing"));
    assert!(error("name: [!Ref Uploads]", "name: [other]").contains("`other` is no bucket of the template"));
}

//! Buckets and the functions that are told of their objects.
#![expect(clippy::unwrap_used, reason = "what fails here fails a test")]

mod refusals;

use refusals::{assert_refused, parse};
use template::{Bucket, BucketEvent, CorsRule};

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
  Plan:
    Type: AWS::GuardDuty::MalwareProtectionPlan
    Properties:
      Role: !GetAtt PlanRole.Arn
      ProtectedResource: {S3Bucket: {BucketName: !Ref Uploads}}
  PlanRole:
    Type: AWS::IAM::Role
    Properties:
      Policies: [{Statement: {Effect: Allow, Action: 's3:GetObject', Resource: !Sub '${Uploads.Arn}/*'}}]
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
        Scanned:
          Type: EventBridgeRule
          Properties:
            Pattern:
              source: [aws.guardduty]
              detail-type: [GuardDuty Malware Protection Object Scan Result]
              detail: {s3ObjectDetails: {bucketName: [!Ref Uploads]}}
";

#[test]
fn bucket_has_what_its_resource_says() {
    let template = parse(STACK);

    let files = Bucket {
        logical_id: "Files".into(),
        name: "local-files".into(),
        events: false,
        cors: Vec::new(),
        scanner: None,
    };
    let rule = CorsRule {
        origins: vec!["http://localhost:3000".into()],
        methods: vec!["PUT".into()],
        headers: vec!["content-type".into()],
        exposed: Vec::new(),
        max_age: Some(3600),
    };
    let scanner = template.buckets[1].scanner.clone();
    let (logical_id, name) = ("Uploads".into(), "local-uploads".into());
    let uploads = Bucket { logical_id, name, events: true, cors: vec![rule], scanner: scanner.clone() };
    assert_eq!(template.buckets, [files, uploads]);
    assert!(scanner.unwrap().allows("s3:GetObject", "arn:aws:s3:::local-uploads/abc"));
}

#[test]
fn function_knows_the_buckets_that_it_is_told_of() {
    let template = parse(STACK);

    let inspect = template.function("inspect").unwrap();
    assert_eq!(inspect.environment["UPLOADS"], "local-uploads");
    let of = |event: fn(String) -> BucketEvent| event("local-uploads".to_owned());
    assert_eq!(inspect.bucket_events, [of(BucketEvent::Created), of(BucketEvent::Scanned)]);
    assert!(inspect.policy.allows("s3:GetObject", "arn:aws:s3:::local-uploads/abc"));
    assert!(!inspect.policy.allows("s3:PutObject", "arn:aws:s3:::local-uploads/abc"));
    assert!(!inspect.policy.allows("s3:GetObject", "arn:aws:s3:::local-files/abc"));
}

#[test]
fn unsupported_part_of_a_bucket_is_named() {
    assert_refused(
        STACK,
        &[
            ("LifecycleConfiguration", "WebsiteConfiguration", "property `WebsiteConfiguration`"),
            ("MaxAge: 3600", "Whatever: 1", "property `Whatever`"),
            ("EventBridgeConfiguration: {", "LambdaConfigurations: {", "`LambdaConfigurations`"),
            ("-files'", "_files'", "`local_files` is not the name of a bucket"),
        ],
    );
}

#[test]
fn unsupported_plan_for_a_bucket_is_named() {
    assert_refused(
        STACK,
        &[
            ("S3Bucket: {BucketName: !Ref Uploads}", "S3Bucket: {}", "`ProtectedResource`"),
            ("BucketName: !Ref Uploads}", "BucketName: !Ref Uploads, ObjectPrefixes: [a]}", "`ProtectedResource`"),
            ("BucketName: !Ref Uploads}", "BucketName: other}", "`other` of a plan is no bucket"),
            ("Role: !GetAtt PlanRole.Arn", "Role: !GetAtt Files.Arn", "not a role of the template"),
            ("Role: !GetAtt PlanRole.Arn", "Actions: {}\n      Role: a", "property `Actions`"),
        ],
    );
}

#[test]
fn pattern_of_other_events_is_refused() {
    assert_refused(
        STACK,
        &[
            ("[Object Created]", "[Object Deleted]", "unsupported `Pattern`"),
            ("name: [!Ref Uploads]", "name: [!Ref Uploads, !Ref Files]", "unsupported `Pattern`"),
            ("name: [!Ref Uploads]", "name: [!Ref Files]", "`Files` tells `EventBridge` nothing"),
            ("name: [!Ref Uploads]", "name: [other]", "`other` is no bucket of the template"),
            ("Object Scan Result", "Resource Status Active", "unsupported `Pattern`"),
            ("bucketName: [!Ref Uploads]", "bucketName: [other]", "`other` is no bucket"),
        ],
    );
}

//! Queues and the functions that work them off.
#![expect(clippy::unwrap_used, reason = "what fails here fails a test")]

mod refusals;

use std::time::Duration;

use refusals::{assert_refused, parse};
use template::{Queue, QueueEvent, Redrive, queue_arn};

const STACK: &str = "
Resources:
  Jobs:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: !Sub ${AWS::StackName}-jobs
      VisibilityTimeout: 120
      MessageRetentionPeriod: 3600
      SqsManagedSseEnabled: true
      RedrivePolicy:
        deadLetterTargetArn: !GetAtt Dead.Arn
        maxReceiveCount: 3
  Dead:
    Type: AWS::SQS::Queue
  Worker:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: worker
      Timeout: 20
      Environment: {Variables: {URL: !Ref Jobs, NAME: !GetAtt Jobs.QueueName, LOST: !GetAtt Dead.Arn}}
      Policies:
        - Statement:
            Effect: Allow
            Action: [sqs:ReceiveMessage, sqs:DeleteMessage, sqs:GetQueueAttributes]
            Resource: !GetAtt Jobs.Arn
      Events:
        Batch:
          Type: SQS
          Properties:
            Queue: !GetAtt Jobs.Arn
            BatchSize: 100
            MaximumBatchingWindowInSeconds: 2
            FunctionResponseTypes: [ReportBatchItemFailures]
            ScalingConfig: {MaximumConcurrency: 5}
";

#[test]
fn queue_has_what_its_resource_says_and_the_defaults_of_sqs() {
    let template = parse(STACK);

    let url = |name| format!("https://sqs.us-east-1.amazonaws.com/123456789012/{name}");
    let dead = Queue {
        logical_id: "Dead".to_owned(),
        name: "local-Dead".to_owned(),
        url: url("local-Dead"),
        delay: Duration::ZERO,
        largest: 262_144,
        retention: Duration::from_hours(96),
        wait: Duration::ZERO,
        visibility: Duration::from_secs(30),
        redrive: None,
    };
    let jobs = Queue {
        logical_id: "Jobs".to_owned(),
        name: "local-jobs".to_owned(),
        url: url("local-jobs"),
        retention: Duration::from_hours(1),
        visibility: Duration::from_mins(2),
        redrive: Some(Redrive { target: queue_arn("local-Dead"), receives: 3 }),
        ..dead.clone()
    };
    assert_eq!(template.queues, [dead, jobs]);
}

#[test]
fn function_knows_its_queues() {
    let template = parse(STACK);

    let worker = template.function("worker").unwrap();
    assert_eq!(worker.environment["URL"], "https://sqs.us-east-1.amazonaws.com/123456789012/local-jobs");
    assert_eq!(worker.environment["NAME"], "local-jobs");
    assert_eq!(worker.environment["LOST"], "arn:aws:sqs:us-east-1:123456789012:local-Dead");
    let event = QueueEvent {
        queue: queue_arn("local-jobs"),
        batch: 100,
        window: Duration::from_secs(2),
        partial: true,
        concurrency: Some(5),
        enabled: true,
    };
    assert_eq!(worker.queue_events, [event]);
}

#[test]
fn queue_under_a_condition_that_fails_does_not_exist() {
    let text = "
Parameters: {Push: {Type: String, Default: ''}}
Conditions: {HasPush: !Not [!Equals [!Ref Push, '']]}
Resources:
  Jobs: {Type: AWS::SQS::Queue, Condition: HasPush}
  F: {Type: AWS::Serverless::Function, Properties: {CodeUri: f, Environment: {Variables: {URL: !If [HasPush, !Ref Jobs, '']}}}}
";
    let template = parse(text);
    assert!(template.queues.is_empty());
    assert_eq!(template.function("f").unwrap().environment["URL"], "");
}

#[test]
fn unsupported_part_of_a_queue_is_named() {
    assert_refused(
        STACK,
        &[
            ("QueueName: !Sub", "FifoQueue: true\n      QueueName: !Sub", "property `FifoQueue`"),
            ("maxReceiveCount: 3", "maxReceiveCount: 0", "`maxReceiveCount` is 1 to 1000, not 0"),
            ("BatchSize: 100", "FilterCriteria: {}", "property `FilterCriteria`"),
            ("[ReportBatchItemFailures]", "[Whatever]", "response type `Whatever`"),
            ("MaximumConcurrency: 5", "MaximumConcurrency: 1", "`MaximumConcurrency` is 2 to 1000"),
            ("MaximumBatchingWindowInSeconds: 2", "Enabled: true", "a batch of 100 needs"),
            ("Jobs.QueueName", "Jobs.Name", "a queue has no attribute `Name`"),
        ],
    );
}

#[test]
fn queue_that_aws_would_not_connect_is_refused() {
    let other = "deadLetterTargetArn: arn:aws:sqs:us-east-1:123456789012:other";
    let twin = "  Dead:\n    Type: AWS::SQS::Queue\n    Properties: {QueueName: local-jobs}";
    assert_refused(
        STACK,
        &[
            ("deadLetterTargetArn: !GetAtt Dead.Arn", other, "is no queue of the template"),
            ("sqs:DeleteMessage, ", "", "the role of `Worker` lacks `sqs:DeleteMessage` on `Jobs`"),
            ("VisibilityTimeout: 120", "VisibilityTimeout: 19", "come again after 19s"),
            ("  Dead:\n    Type: AWS::SQS::Queue", twin, "two queues have the name `local-jobs`"),
        ],
    );
}

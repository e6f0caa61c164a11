//! What a template says about running: the types.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value as Json;

use crate::policy::Policy;

/// The region that a local stack claims to be in.
pub const REGION: &str = "us-east-1";
/// The account that everything belongs to locally.
pub const ACCOUNT: &str = "123456789012";

/// What a template says about running: functions, routes, and how the APIs behave.
#[derive(Clone, Debug)]
pub struct Template {
    /// Every `AWS::Serverless::Function`, in the order of their logical ids.
    pub functions: Vec<Function>,
    /// The `AWS::Serverless::HttpApi`, if there is one or a function has routes.
    pub http: Option<HttpApi>,
    /// The `AWS::Serverless::WebSocketApi`, if there is one.
    pub websocket: Option<WebSocketApi>,
    /// Every `AWS::SQS::Queue`, in the order of their logical ids.
    pub queues: Vec<Queue>,
    /// Every `AWS::S3::Bucket`, in the order of their logical ids.
    pub buckets: Vec<Bucket>,
    /// The `AWS::CloudFront::Distribution`, if there is one.
    pub distribution: Option<Distribution>,
}

/// One Lambda function.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its key in `Resources`.
    pub logical_id: String,
    /// `Metadata.BuildProperties.Binary`, or else the last folder of `CodeUri`: the name of the binary and in the logs.
    pub name: String,
    /// `CodeUri` as written.
    pub code_uri: String,
    /// `FunctionName` where given, or else `name`.
    pub lambda_name: String,
    /// How long one invocation may take.
    pub timeout: Duration,
    /// `MemorySize` in MB.
    pub memory: u32,
    /// `ReservedConcurrentExecutions`, where given.
    pub reserved: Option<usize>,
    /// `LoggingConfig`'s `LogFormat` and `ApplicationLogLevel`.
    pub logging: (Option<String>, Option<String>),
    /// Environment variables, those of `Globals` included.
    pub environment: BTreeMap<String, String>,
    /// What its role allows.
    pub policy: Policy,
    /// Routes of the HTTP API that it serves.
    pub http_routes: Vec<HttpRoute>,
    /// Routes of the WebSocket API that it serves.
    pub websocket_routes: Vec<WebSocketRoute>,
    /// Schedules that invoke it, in the order of their events' names; disabled ones included.
    pub schedules: Vec<Schedule>,
    /// Queues that it works off, disabled ones included.
    pub queue_events: Vec<QueueEvent>,
    /// What it is told of objects.
    pub bucket_events: Vec<BucketEvent>,
}

/// A standard queue of SQS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    /// Its key in `Resources`.
    pub logical_id: String,
    /// `QueueName` where given, or else made from the stack's name and the key.
    pub name: String,
    /// What `!Ref` answers: requests name the queue by it, wherever they are sent.
    pub url: String,
    /// How long a message is held back that says nothing else.
    pub delay: Duration,
    /// The largest message in bytes.
    pub largest: usize,
    /// How long messages are kept.
    pub retention: Duration,
    /// How long a receive waits that says nothing else.
    pub wait: Duration,
    /// After how long a message comes again that was received and not deleted.
    pub visibility: Duration,
    /// What becomes of messages that come too often.
    pub redrive: Option<Redrive>,
}

/// Where messages go that were received too often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redrive {
    /// The ARN of the dead-letter queue.
    pub target: String,
    /// How often a message is received before.
    pub receives: u32,
}

/// A queue that a function works off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueEvent {
    /// The queue's ARN.
    pub queue: String,
    /// The most messages of an invocation.
    pub batch: usize,
    /// How long a batch is waited for that is not full.
    pub window: Duration,
    /// Whether the function answers which messages failed (`ReportBatchItemFailures`); else all fail together.
    pub partial: bool,
    /// The most invocations at once, where given.
    pub concurrency: Option<usize>,
    /// False after `Enabled: false`.
    pub enabled: bool,
}

/// A bucket of S3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Its key in `Resources`.
    pub logical_id: String,
    /// `BucketName` where given, or else made from the stack's name and the key.
    pub name: String,
    /// Whether it tells `EventBridge` of every new object.
    pub events: bool,
    /// How it answers pages of other origins: by the first rule that fits.
    pub cors: Vec<CorsRule>,
    /// Where a plan has its new objects scanned for malware: what the role of that allows.
    pub scanner: Option<Policy>,
}

/// What a function is told of the objects of a bucket, which is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BucketEvent {
    /// That there is a new one.
    Created(String),
    /// What a scan for malware found in one.
    Scanned(String),
}

impl BucketEvent {
    /// The bucket's name.
    pub fn bucket(&self) -> &str {
        match self {
            Self::Created(bucket) | Self::Scanned(bucket) => bucket,
        }
    }
}

/// Whom a bucket answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CorsRule {
    /// `AllowedOrigins`.
    pub origins: Vec<String>,
    /// `AllowedMethods`.
    pub methods: Vec<String>,
    /// `AllowedHeaders`.
    pub headers: Vec<String>,
    /// `ExposedHeaders`.
    pub exposed: Vec<String>,
    /// `MaxAge` in seconds.
    pub max_age: Option<u64>,
}

/// A distribution of `CloudFront` in front of a bucket, for those who have a signed link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distribution {
    /// Its key in `Resources`, and what `!Ref` answers.
    pub logical_id: String,
    /// Its name of our own.
    pub domain: String,
    /// Name of the bucket that it reads.
    pub bucket: String,
    /// What the bucket's policy lets it do.
    pub policy: Policy,
    /// Public keys that links are checked by, in PEM, by their ids.
    pub keys: BTreeMap<String, String>,
    /// `AllowedMethods`.
    pub methods: Vec<String>,
    /// Headers of every answer, their names in lower case.
    pub headers: Vec<(String, String)>,
    /// How it answers pages of other origins.
    pub cors: Option<CorsRule>,
}

/// A route of the HTTP API.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HttpRoute {
    /// Upper case, or `ANY`.
    pub method: String,
    /// As in the template: `/messages/{room_id}`, `/{proxy+}`, or `$default`.
    pub path: String,
    /// `TimeoutInMillis`, where given: how long the API waits for the function.
    pub timeout: Option<Duration>,
}

/// A route of the WebSocket API.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WebSocketRoute {
    /// `$connect`, `$disconnect`, `$default`, or a value of the selection expression.
    pub key: String,
    /// Whether a route response exists, so that the function's `body` is sent as an answer.
    pub answers: bool,
    /// `IntegrationTimeout` (`TimeoutInMillis` of a raw integration), where given: how long the API waits for the function.
    pub timeout: Option<Duration>,
}

/// An `EventBridge` rule that invokes a function periodically.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// `Name` where given, or else the rule's logical id as SAM makes it: the function's and the event's, joined.
    pub name: String,
    /// The period of its `rate(...)`.
    pub every: Duration,
    /// False after `Enabled: false` or `State: DISABLED`: the schedule exists and does not run.
    pub enabled: bool,
    /// `Input`, where given: the function gets it instead of the event.
    pub input: Option<Json>,
}

/// The HTTP API.
#[derive(Clone, Debug, Default)]
pub struct HttpApi {
    /// Its key in `Resources`.
    pub logical_id: String,
    /// `CorsConfiguration`, where given.
    pub cors: Option<Cors>,
}

/// How the HTTP API answers other origins.
#[derive(Clone, Debug, Default)]
pub struct Cors {
    /// `AllowOrigins`.
    pub origins: Vec<String>,
    /// `AllowMethods`.
    pub methods: Vec<String>,
    /// `AllowHeaders`.
    pub headers: Vec<String>,
    /// `ExposeHeaders`.
    pub exposed: Vec<String>,
    /// `MaxAge` in seconds.
    pub max_age: Option<u64>,
    /// `AllowCredentials`.
    pub credentials: bool,
}

/// The WebSocket API.
#[derive(Clone, Debug)]
pub struct WebSocketApi {
    /// Its key in `Resources`.
    pub logical_id: String,
    /// `StageName`, the first segment of its URL.
    pub stage: String,
    /// The fields of the body that select a route: `["action"]` for `$request.body.action`.
    pub selection: Vec<String>,
}

impl Template {
    /// The function with this name.
    pub fn function(&self, name: &str) -> Option<&Function> {
        self.functions.iter().find(|function| function.name == name)
    }
}

/// The ARN of a function by its name.
pub fn arn(function: &str) -> String {
    format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}")
}

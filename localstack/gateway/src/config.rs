//! How to start a gateway.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use crate::{cpu_shares::CpuShares, mails::Mailbox};

/// Where every stdout and stderr line of every environment goes: the function's name and the line.
pub type Logs = Arc<dyn Fn(&str, &str) + Send + Sync>;

/// Makes the environment that overrides the template's, once the URLs are known.
pub type Environment = Box<dyn FnOnce(&Urls) -> BTreeMap<String, String> + Send>;

/// Where the APIs listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Urls {
    /// The HTTP API, without a trailing slash.
    pub http: String,
    /// The WebSocket API, `ws://127.0.0.1:<port>/<stage>`.
    pub ws: String,
    /// The same for `@connections`, `http://127.0.0.1:<port>/<stage>`.
    pub connections: String,
    /// Secrets Manager.
    pub secrets: String,
    /// SES.
    pub ses: String,
    /// SQS.
    pub sqs: String,
    /// S3.
    pub s3: String,
    /// The distribution in front of files, if the template has one.
    pub files: Option<String>,
}

/// How to start a gateway.
pub struct Config {
    /// The template.
    pub template: PathBuf,
    /// Values of template parameters that override the defaults.
    pub parameters: BTreeMap<String, String>,
    /// The folder with one executable per function, by the name of the function.
    pub binaries: PathBuf,
    /// A folder with executables of another version: environments of each function that is there come from both folders in turn, as
    /// while a deployment goes on. The first event of each function goes to `binaries`.
    pub old_binaries: Option<PathBuf>,
    /// A key `K` is given to every function whose template environment has `K` or `K_SECRET_ARN`, and replaces both.
    pub environment: Environment,
    /// Secrets of Secrets Manager, by name; [`secret_arn`](crate::secret_arn) is what they are asked for by.
    pub secrets: BTreeMap<String, String>,
    /// A `LocalStack`, `http://127.0.0.1:4566`, that takes the place of the stand-ins of SQS and Secrets Manager. It knows no ARNs of
    /// ours: what names a secret must be its name.
    pub localstack: Option<String>,
    /// Where mails go that functions send; `None` drops them.
    pub mails: Option<Mailbox>,
    /// The folder with the objects of S3.
    pub objects: PathBuf,
    /// Port of the HTTP API; 0 is any free one.
    pub http_port: u16,
    /// Port of the WebSocket API; 0 is any free one.
    pub ws_port: u16,
    /// AWS's limits, or shorter ones for tests.
    pub limits: Limits,
    /// Where the functions' lines go.
    pub logs: Logs,
    /// Runs each environment under its function's share of a processor; `None` gives it all there is.
    pub cpu_shares: Option<CpuShares>,
}

/// Sizes in bytes and times; the defaults are AWS's, except for `environments` and `shutdown`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Environments of one function at once. AWS's 1,000 would be too much for one machine: 64.
    pub environments: usize,
    /// How long the init of an environment may take.
    pub init: Duration,
    /// Lambda's largest event.
    pub request: usize,
    /// Lambda's largest answer.
    pub response: usize,
    /// How long the HTTP API waits for a function, where its route says nothing else.
    pub http_timeout: Duration,
    /// Largest request line and headers that the HTTP API takes, in all.
    pub http_head: usize,
    /// Largest body that the HTTP API takes.
    pub http_body: usize,
    /// How long the WebSocket API waits for a function, where its route says nothing else.
    pub ws_timeout: Duration,
    /// Largest WebSocket frame from a client.
    pub ws_frame: usize,
    /// Largest WebSocket message from a client, and largest post to a connection.
    pub ws_message: usize,
    /// How long a connection may be silent in both directions.
    pub ws_idle: Duration,
    /// How long a connection may live.
    pub ws_life: Duration,
    /// Messages that wait for a slow client before posts answer 429.
    pub ws_buffer: usize,
    /// Period of every schedule; `None` takes the rates of the template.
    pub schedule: Option<Duration>,
    /// How many times as fast as the clock the delays, visibility timeouts, windows and retentions of queues pass.
    pub queue_speed: u32,
    /// How long environments have to exit after SIGTERM.
    pub shutdown: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            environments: 64,
            init: Duration::from_secs(10),
            request: 6 * 1024 * 1024,
            response: 6 * 1024 * 1024 + 100,
            http_timeout: Duration::from_secs(30),
            http_head: 10_240,
            http_body: 10 * 1024 * 1024,
            ws_timeout: Duration::from_secs(29),
            ws_frame: 32 * 1024,
            ws_message: 128 * 1024,
            ws_idle: Duration::from_mins(10),
            ws_life: Duration::from_hours(2),
            ws_buffer: 1024,
            schedule: None,
            queue_speed: 1,
            shutdown: Duration::from_secs(2),
        }
    }
}

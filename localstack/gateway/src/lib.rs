#![doc = include_str!("../README.md")]

mod faults;
mod http_api;
mod ids;
mod lambda;
mod processes;
mod records;
mod schedules;
mod server;
pub mod template;
mod websocket;

use std::{
    collections::BTreeMap,
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result};

pub use faults::{Delay, Faults, PushRules, Rules, Span};
pub use records::{InvocationRecord, Outcome, Summary, summarize};

use http_api::HttpDoor;
use lambda::Lambda;
use processes::Processes;
use server::{Door, Shutdown};
use template::Template;
use websocket::WebSocketDoor;

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
}

/// How to start a gateway.
pub struct Config {
    /// The template.
    pub template: PathBuf,
    /// Values of template parameters that override the defaults.
    pub parameters: BTreeMap<String, String>,
    /// The folder that holds one executable per function, named as the function's folder.
    pub binaries: PathBuf,
    /// A key `K` is given to every function whose template environment has `K` or `K_SECRET_ARN`, and replaces both.
    pub environment: Environment,
    /// Port of the HTTP API; 0 is any free one.
    pub http_port: u16,
    /// Port of the WebSocket API; 0 is any free one.
    pub ws_port: u16,
    /// AWS's limits, or shorter ones for tests.
    pub limits: Limits,
    /// Where the functions' lines go.
    pub logs: Logs,
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
    /// How long the HTTP API waits for a function.
    pub http_timeout: Duration,
    /// Largest body that the HTTP API takes.
    pub http_body: usize,
    /// How long the WebSocket API waits for a function.
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
    /// Period of every schedule, whatever its rate; `None` is the template's own.
    pub schedule: Option<Duration>,
    /// How long environments have to end after SIGTERM.
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
            http_body: 10 * 1024 * 1024,
            ws_timeout: Duration::from_secs(29),
            ws_frame: 32 * 1024,
            ws_message: 128 * 1024,
            ws_idle: Duration::from_mins(10),
            ws_life: Duration::from_hours(2),
            ws_buffer: 1024,
            schedule: None,
            shutdown: Duration::from_secs(2),
        }
    }
}

/// A running gateway with its functions.
pub struct Gateway {
    urls: Urls,
    faults: Faults,
    lambda: Arc<Lambda>,
    websocket: Option<Arc<WebSocketDoor>>,
    shutdown: Shutdown,
}

impl Gateway {
    /// Reads the template, listens, and is ready; function processes start with the first events.
    ///
    /// Fails on what the template says and the gateway does not know, on missing binaries, and on ports in use.
    pub async fn start(config: Config) -> Result<Self> {
        let template = Template::load(&config.template, &config.parameters)?;
        let http = Door::bind(config.http_port).await.context("the HTTP API cannot listen")?;
        let ws = Door::bind(config.ws_port).await.context("the WebSocket API cannot listen")?;
        let stage = template.websocket.as_ref().map_or("", |api| api.stage.as_str());
        let urls = Urls {
            http: format!("http://{}", http.address()),
            ws: format!("ws://{}/{stage}", ws.address()),
            connections: format!("http://{}/{stage}", ws.address()),
        };
        let processes = Processes::default();
        let faults = Faults::new(processes.clone());
        let environment = (config.environment)(&urls);
        let lambda = Lambda::new(
            &template,
            &config.binaries,
            &environment,
            &config.limits,
            Arc::clone(&config.logs),
            processes,
            faults.clone(),
        )?;
        let lambda = Arc::new(lambda);
        let shutdown = Shutdown::default();
        schedules::start(&template, &lambda, &faults, &config.limits, &shutdown);
        let door = HttpDoor::new(&template, Arc::clone(&lambda), faults.clone(), config.limits.clone());
        http.open(Arc::new(door), &shutdown);
        let websocket = WebSocketDoor::new(&template, Arc::clone(&lambda), faults.clone(), config.limits, &shutdown);
        let websocket = websocket.map(Arc::new);
        if let Some(door) = &websocket {
            ws.open(Arc::clone(door), &shutdown);
        }
        Ok(Self { urls, faults, lambda, websocket, shutdown })
    }

    /// Where the APIs listen.
    pub fn urls(&self) -> &Urls {
        &self.urls
    }

    /// The handle to break things with.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Invokes a function as Lambda's Invoke does; a function error is an error.
    pub async fn invoke(&self, function: &str, payload: serde_json::Value) -> Result<serde_json::Value> {
        self.lambda.invoke_json(function, &payload).await
    }

    /// The latest invocations, oldest first; see [`summarize`].
    pub fn records(&self) -> Vec<InvocationRecord> {
        self.lambda.records()
    }

    /// Process ids of every environment.
    pub fn pids(&self) -> Vec<u32> {
        self.lambda.pids()
    }

    /// Closes both APIs, ends the schedules and every environment. Open sockets are closed with 1001, without `$disconnect`.
    pub async fn stop(self) {
        self.shutdown.begin();
        if let Some(websocket) = &self.websocket {
            websocket.closed_within(Duration::from_secs(1)).await;
        }
        self.lambda.stop().await;
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.shutdown.begin();
        self.lambda.kill();
    }
}

impl fmt::Debug for Gateway {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Gateway").field("urls", &self.urls).finish_non_exhaustive()
    }
}

/// Locks; a panic elsewhere does not spread through the lock.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#![doc = include_str!("../README.md")]

mod config;
mod cpu_shares;
mod edge;
mod faults;
mod http_api;
mod iam;
mod ids;
mod lambda;
mod mails;
mod objects;
mod processes;
mod queues;
mod records;
mod schedules;
mod secrets;
mod server;
mod sockets;
mod sync;
mod traffic;
mod uri;
mod websocket;

use std::{fmt, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use template::Template;

pub use config::{Config, Environment, Limits, Logs, Urls};
pub use cpu_shares::CpuShares;
pub use faults::{Delay, Faults, PushRules, QueueRules, Rules, Span, StoreRules};
pub use mails::{Mailbox, SentMail};
pub use objects::{EICAR, StoredObject};
pub use queues::{QueueStatus, QueuedMessage};
pub use records::{AfterResponse, InvocationRecord, Outcome, Summary, summarize};
pub use secrets::secret_arn;
pub use traffic::Traffic;

use edge::EdgeDoor;
use http_api::HttpDoor;
use iam::Iam;
use lambda::{Lambda, Setup};
use mails::MailDoor;
use objects::Objects;
use processes::Processes;
use queues::{LocalStack, QueueDoor, Queues};
use secrets::SecretsDoor;
use server::{Door, Shutdown};
use traffic::Meter;
use websocket::WebSocketDoor;

/// A running gateway with its functions.
pub struct Gateway {
    urls: Urls,
    faults: Faults,
    lambda: Arc<Lambda>,
    queues: Queues,
    objects: Objects,
    meter: Arc<Meter>,
    websocket: Option<Arc<WebSocketDoor>>,
    shutdown: Shutdown,
}

impl Gateway {
    /// Reads the template and listens; function processes start with the first events.
    ///
    /// Fails on unsupported parts of the template, on missing binaries, and on ports in use.
    pub async fn start(config: Config) -> Result<Self> {
        let template = Template::load(&config.template, &config.parameters)?;
        let http = Door::bind(config.http_port).await.context("the HTTP API cannot listen")?;
        let ws = Door::bind(config.ws_port).await.context("the WebSocket API cannot listen")?;
        let secrets = Door::bind(0).await.context("Secrets Manager cannot listen")?;
        let mails = Door::bind(0).await.context("SES cannot listen")?;
        let sqs = Door::bind(0).await.context("SQS cannot listen")?;
        let s3 = Door::bind(0).await.context("S3 cannot listen")?;
        let edge = match template.distribution {
            Some(_) => Some(Door::bind(0).await.context("CloudFront cannot listen")?),
            None => None,
        };
        let localstack = match &config.localstack {
            Some(url) => Some(LocalStack::prepare(url, &template.queues, &config.secrets).await.context("LocalStack")?),
            None => None,
        };
        let there = config.localstack.clone();
        let stage = template.websocket.as_ref().map_or("", |api| api.stage.as_str());
        let urls = Urls {
            http: format!("http://{}", http.address()),
            ws: format!("ws://{}/{stage}", ws.address()),
            connections: format!("http://{}/{stage}", ws.address()),
            secrets: there.clone().unwrap_or_else(|| format!("http://{}", secrets.address())),
            ses: format!("http://{}", mails.address()),
            s3: format!("http://{}", s3.address()),
            files: edge.as_ref().map(|edge| format!("http://{}", edge.address())),
            sqs: there.unwrap_or_else(|| format!("http://{}", sqs.address())),
        };
        let faults = Faults::new(Processes::default());
        let mut environment = (config.environment)(&urls);
        environment.entry(secrets::ENDPOINT.to_owned()).or_insert_with(|| urls.secrets.clone());
        environment.entry(mails::ENDPOINT.to_owned()).or_insert_with(|| urls.ses.clone());
        environment.entry(queues::ENDPOINT.to_owned()).or_insert_with(|| urls.sqs.clone());
        let iam = Arc::new(Iam::new(&template));
        let setup = Setup {
            binaries: &config.binaries,
            old_binaries: config.old_binaries.as_deref(),
            environment: &environment,
            iam: &iam,
            limits: &config.limits,
            logs: Arc::clone(&config.logs),
            faults: faults.clone(),
            cpu_shares: config.cpu_shares,
        };
        let lambda = Arc::new(Lambda::new(&template, setup)?);
        let shutdown = Shutdown::default();
        secrets.open(Arc::new(SecretsDoor::new(config.secrets, Arc::clone(&iam))), &shutdown);
        mails.open(Arc::new(MailDoor::new(config.mails, Arc::clone(&iam))), &shutdown);
        let meter = Arc::<Meter>::default();
        let queues = Queues::new(&template, &faults, config.limits.queue_speed, &meter);
        sqs.open(Arc::new(QueueDoor::new(queues.clone(), Arc::clone(&iam))), &shutdown);
        let objects = Objects::open(&template, &config.objects).context("the folder of S3 cannot be used")?;
        let store = Arc::new(objects.door(&template, &iam, &lambda, &faults));
        if let (Some(door), Some(distribution)) = (edge, &template.distribution) {
            door.open(Arc::new(EdgeDoor::new(distribution, &iam, &store)?), &shutdown);
        }
        s3.open(store, &shutdown);
        queues::start(&template, &queues, localstack.as_ref(), &lambda, &faults, &config.limits, &shutdown);
        schedules::start(&template, &lambda, &faults, &config.limits, &shutdown);
        let door = HttpDoor::new(&template, Arc::clone(&lambda), faults.clone(), config.limits.clone());
        http.open(Arc::new(door), &shutdown);
        let websocket =
            WebSocketDoor::new(&template, Arc::clone(&lambda), iam, faults.clone(), config.limits, &shutdown, &meter);
        let websocket = websocket.map(Arc::new);
        if let Some(door) = &websocket {
            ws.open(Arc::clone(door), &shutdown);
        }
        Ok(Self { urls, faults, lambda, queues, objects, meter, websocket, shutdown })
    }

    /// Where the APIs listen.
    pub fn urls(&self) -> &Urls {
        &self.urls
    }

    /// Injects faults.
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

    /// What was carried on connections and to queues since the start.
    pub fn traffic(&self) -> Traffic {
        self.meter.read()
    }

    /// What every queue holds; nothing while a `LocalStack` has them.
    pub fn queues(&self) -> Vec<QueueStatus> {
        self.queues.all()
    }

    /// What a queue holds, by its name or by its key in the template.
    pub fn queue(&self, name: &str) -> Option<QueueStatus> {
        self.queues.status(name)
    }

    /// What a bucket of S3 holds, by its name or by its key in the template; `None` without such a bucket.
    pub async fn objects(&self, bucket: &str) -> Result<Option<Vec<StoredObject>>> {
        Ok(self.objects.list(bucket).await?)
    }

    /// Process ids of every environment.
    pub fn pids(&self) -> Vec<u32> {
        self.lambda.pids()
    }

    /// Closes both APIs, ends the schedules and the polling of queues, and every environment. Open sockets are closed with 1001, without `$disconnect`.
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

//! Databases, migrated schema and gateway as one thing.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use gateway::{Config, Gateway, Limits, Logs, Urls};
use mongodb::Client;
use serde_json::json;

use crate::databases::{Databases, named};
use crate::place::root;
use crate::progress::Progress;

/// The name of the databases in a folder of their own.
const DATABASE: &str = "bigtech_chat";

/// Where the databases come from.
#[derive(Clone, Debug)]
pub enum Source {
    /// Servers of our own, with their data in this folder; what is stored there stays.
    Own(PathBuf),
    /// Running servers, by their URLs without a database: a database of our own with a random name, dropped at stop.
    Running {
        /// The MySQL server.
        mysql: String,
        /// The replica set.
        mongo: String,
    },
    /// The servers that `cargo local test` runs, from `TEST_MYSQL_URL` and `TEST_MONGO_URL`; otherwise as `Running`.
    Tests,
}

/// How to start a stack.
pub struct Options {
    /// Where the databases come from.
    pub source: Source,
    /// The folder of the function binaries; `None` takes `FUNCTION_BINARIES`.
    pub binaries: Option<PathBuf>,
    /// Signs access tokens.
    pub secret_key: String,
    /// Goes to every function whose template environment names the key; wins over what the stack itself sets.
    pub environment: BTreeMap<String, String>,
    /// Template parameters, beside `Stage`, which is `local` unless it is given.
    pub parameters: BTreeMap<String, String>,
    /// The gateway's limits.
    pub limits: Limits,
    /// Port of the HTTP API; 0 is any free one.
    pub http_port: u16,
    /// Port of the WebSocket API; 0 is any free one.
    pub ws_port: u16,
    /// Where the functions' lines go.
    pub logs: Logs,
    /// Who hears what is being done.
    pub progress: Progress,
}

impl Options {
    /// A stack over these databases: AWS's limits, any ports, a random key, and nobody who listens.
    pub fn new(source: Source) -> Self {
        Self {
            source,
            binaries: None,
            secret_key: random_key(),
            environment: BTreeMap::new(),
            parameters: BTreeMap::new(),
            limits: Limits::default(),
            http_port: 0,
            ws_port: 0,
            logs: Arc::new(|_, _| {}),
            progress: Progress::silent(),
        }
    }

    /// The same with limits that no load reaches.
    #[must_use]
    pub fn without_limits(mut self) -> Self {
        let limits = ["SENDS", "FRIEND_REQUESTS", "SEARCHES", "TICKETS", "SIGN_INS", "FRAMES"];
        self.environment.extend(limits.map(|limit| (format!("LIMIT_{limit}"), "1000000:1000000".to_owned())));
        self
    }

    /// A stack for one test, over the servers and binaries that `cargo local test` provides. `STACK_LOGS=1` shows the functions' lines.
    pub fn for_test() -> Self {
        let mut options = Self::new(Source::Tests);
        if std::env::var_os("STACK_LOGS").is_some() {
            options.logs = Arc::new(|function, line| eprintln!("{function} | {line}"));
        }
        options
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Options").field("source", &self.source).finish_non_exhaustive()
    }
}

/// A key for `SECRET_KEY`: 32 random bytes in hexadecimal digits.
pub fn random_key() -> String {
    format!("{:032x}{:032x}", rand::random::<u128>(), rand::random::<u128>())
}

/// The running product: databases with a migrated schema, and the gateway over the functions.
#[derive(Debug)]
pub struct Stack {
    gateway: Gateway,
    databases: Option<Databases>,
    mysql_url: String,
    mongo_url: String,
    temporary: bool,
    environment: BTreeMap<String, String>,
}

impl Stack {
    /// Starts the databases if they are our own, migrates, and opens the gateway.
    pub async fn start(options: Options) -> Result<Self> {
        let temporary = !matches!(options.source, Source::Own(_));
        let name = if temporary { format!("t{:016x}", rand::random::<u64>()) } else { DATABASE.to_owned() };
        let (databases, mysql_url, mongo_url) = match &options.source {
            Source::Own(folder) => {
                let databases = Databases::start(folder, &options.progress).await?;
                let urls = (databases.mysql_url(&name), databases.mongo_url(&name));
                (Some(databases), urls.0, urls.1)
            }
            Source::Running { mysql, mongo } => (None, named(mysql, &name), named(mongo, &name)),
            Source::Tests => {
                (None, named(&variable("TEST_MYSQL_URL")?, &name), named(&variable("TEST_MONGO_URL")?, &name))
            }
        };
        Self::over(databases, temporary, mysql_url, mongo_url, options).await
    }

    /// The same over databases that run already, whose data stay. The stack takes them, and stops them with itself.
    pub async fn start_over(databases: Databases, options: Options) -> Result<Self> {
        let (mysql_url, mongo_url) = (databases.mysql_url(DATABASE), databases.mongo_url(DATABASE));
        Self::over(Some(databases), false, mysql_url, mongo_url, options).await
    }

    async fn over(
        databases: Option<Databases>,
        temporary: bool,
        mysql_url: String,
        mongo_url: String,
        options: Options,
    ) -> Result<Self> {
        let binaries = match options.binaries {
            Some(binaries) => binaries,
            None => variable("FUNCTION_BINARIES")?.into(),
        };
        mysql::create_database(&mysql_url).await.context("cannot create a database in MySQL")?;
        let mut environment = BTreeMap::from(
            [
                ("MYSQL_URL", mysql_url.as_str()),
                ("MONGO_URL", &mongo_url),
                ("SECRET_KEY", &options.secret_key),
                ("ALGORITHM", "HS256"),
                ("DEBUG", "false"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        environment.extend(options.environment);
        let mut parameters = BTreeMap::from([("Stage".to_owned(), "local".to_owned())]);
        parameters.extend(options.parameters);
        let step = options.progress.step("starting the gateway");
        let given = environment.clone();
        let gateway = Gateway::start(Config {
            template: root().join("template.yaml"),
            parameters,
            binaries,
            environment: Box::new(move |urls| with_urls(given, urls)),
            http_port: options.http_port,
            ws_port: options.ws_port,
            limits: options.limits,
            logs: options.logs,
        })
        .await?;
        let environment = with_urls(environment, gateway.urls());
        let stack = Self { gateway, databases, mysql_url, mongo_url, temporary, environment };
        stack.gateway.invoke("migrate", json!({})).await.context("the schema could not be migrated")?;
        step.done("gateway is open, schema is migrated");
        Ok(stack)
    }

    /// Where the APIs listen.
    pub fn urls(&self) -> &Urls {
        self.gateway.urls()
    }

    /// The MySQL database, as the functions see it.
    pub fn mysql_url(&self) -> &str {
        &self.mysql_url
    }

    /// The MongoDB database, as the functions see it.
    pub fn mongo_url(&self) -> &str {
        &self.mongo_url
    }

    /// The gateway, for faults and measurements.
    pub fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// The servers, if they are our own.
    pub fn databases(&self) -> Option<&Databases> {
        self.databases.as_ref()
    }

    /// What the functions find in their environment.
    pub fn environment(&self) -> &BTreeMap<String, String> {
        &self.environment
    }

    /// Ends the functions, then the databases if they are our own; drops a database that was made for this run.
    pub async fn stop(self) {
        self.gateway.stop().await;
        if self.temporary {
            // Best effort: servers for tests are thrown away with all that is in them.
            let _ = mysql::drop_database(&self.mysql_url).await;
            let _ = drop_mongo(&self.mongo_url).await;
        }
        if let Some(databases) = self.databases {
            databases.stop().await;
        }
    }
}

fn with_urls(mut environment: BTreeMap<String, String>, urls: &Urls) -> BTreeMap<String, String> {
    environment.entry("WEBSOCKET_URL".to_owned()).or_insert_with(|| urls.ws.clone());
    environment.entry("CONNECTIONS_URL".to_owned()).or_insert_with(|| urls.connections.clone());
    environment
}

async fn drop_mongo(url: &str) -> Result<()> {
    let client = Client::with_uri_str(url).await?;
    client.default_database().context("the URL names a database")?.drop().await?;
    client.shutdown().await;
    Ok(())
}

fn variable(name: &str) -> Result<String> {
    std::env::var(name).ok().with_context(|| format!("{name} is not set: run the tests with `cargo local test`"))
}

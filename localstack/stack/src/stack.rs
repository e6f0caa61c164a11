//! Databases, migrated schema and gateway, started and stopped as one.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock},
};

use anyhow::{Context, Result, anyhow};
use gateway::{Config, CpuShares, Gateway, Limits, Logs, Mailbox, Urls};
use mongodb::Client;
use providers::{Keys, Providers};
use serde_json::json;
use tempfile::TempDir;
use template::Template;

use crate::{
    containers::Bridge,
    databases::{Databases, Wanted, with_database},
    file_keys::FileKeys,
    folders::Scratch,
    paths::root,
    progress::Progress,
};

/// The name of the databases in a folder of their own.
const DATABASE: &str = "bigtech_chat";

/// Who sends mails, whose domain is the identity that functions may send from, and the page that links lead to.
const MAIL: [(&str, &str); 2] =
    [("MAIL_FROM", "BigTech Chat <no-reply@chat.example>"), ("APP_URL", "http://localhost:3000")];
const MAIL_IDENTITY: &str = "chat.example";

/// The secret that signs access tokens.
const KEY_SECRET: &str = "local/SECRET_KEY";

/// The secret with the key that signs links to files.
const FILES_SECRET: &str = "local/FILES_KEY";

/// The key in the template, and so the id, of the key pair's public half.
const FILES_KEY: &str = "FilesKey";

/// What files are served by where `Options::files_domain` says so. The name is `CloudFront`'s alone: links have the address of its stand-in.
const FILES: [(&str, &str); 2] = [
    ("FilesDomain", "files.chat.example"),
    ("FilesCertificateArn", "arn:aws:acm:us-east-1:123456789012:certificate/local"),
];

/// The secret with the credentials at the push services.
const PUSH_SECRET: &str = "local/PUSH_SECRET";

/// The keys of push services of a stack that was given none. Making them takes a while.
static PUSH_KEYS: LazyLock<Result<Keys>> = LazyLock::new(Keys::generate);

/// Where the databases come from.
#[derive(Clone, Debug)]
pub enum Source {
    /// Servers of its own, with their data in this folder, which stay.
    Own(PathBuf),
    /// Running servers, by their URLs without a database; the stack creates a database there and drops it at stop.
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
    /// A folder with the binaries of the version before, which run at the same time.
    pub old_binaries: Option<PathBuf>,
    /// Signs access tokens.
    pub secret_key: String,
    /// The keys that the stand-ins of push services know; `None` takes keys of this process.
    pub push_keys: Option<Keys>,
    /// Overrides variables of every function that declares them in the template.
    pub environment: BTreeMap<String, String>,
    /// Whether nobody is limited, but by limits in `environment`.
    pub unlimited: bool,
    /// Whether files are served over a stand-in of `CloudFront`, as with the parameter `FilesDomain`; otherwise S3 serves them.
    pub files_domain: bool,
    /// Template parameters, over those of a local stack.
    pub parameters: BTreeMap<String, String>,
    /// The gateway's limits.
    pub limits: Limits,
    /// A `LocalStack` that takes the place of the stand-ins of SQS and Secrets Manager.
    pub localstack: Option<String>,
    /// Where mails go; `None` turns them off.
    pub mails: Option<Mailbox>,
    /// Port of the HTTP API; 0 is any free one.
    pub http_port: u16,
    /// Port of the WebSocket API; 0 is any free one.
    pub ws_port: u16,
    /// Receives the lines that functions log.
    pub logs: Logs,
    /// Runs each function under the share of a processor that comes with its memory; `None` gives it all there is.
    pub cpu_shares: Option<CpuShares>,
    /// The address at which containers reach this machine: there the stack listens too.
    pub containers: Option<IpAddr>,
    /// Shows what is being done.
    pub progress: Progress,
}

impl Options {
    /// A stack over these databases, with AWS's limits, free ports, a random key and no output.
    pub fn new(source: Source) -> Self {
        Self {
            source,
            binaries: None,
            old_binaries: None,
            secret_key: random_key(),
            push_keys: None,
            environment: BTreeMap::new(),
            unlimited: false,
            files_domain: false,
            parameters: BTreeMap::new(),
            limits: Limits::default(),
            localstack: None,
            mails: None,
            http_port: 0,
            ws_port: 0,
            logs: Arc::new(|_, _| {}),
            cpu_shares: None,
            containers: None,
            progress: Progress::silent(),
        }
    }

    /// The same without limits of the product.
    #[must_use]
    pub fn without_limits(self) -> Self {
        Self { unlimited: true, ..self }
    }

    /// The same with files over a stand-in of `CloudFront`.
    #[must_use]
    pub fn with_files_domain(self) -> Self {
        Self { files_domain: true, ..self }
    }

    /// A stack without limits for one command, whose databases go with a folder.
    pub fn for_command(folder: &Scratch, binaries: PathBuf, progress: &Progress) -> Self {
        let options = Self::new(Source::Own(folder.path().join("databases"))).without_limits();
        Self { binaries: Some(binaries), progress: progress.clone(), ..options }
    }

    /// A stack for one test, over the servers and binaries of `cargo local test`. `STACK_LOGS=1` shows what functions log.
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

/// The names of all settings that a function of the template has. A secret counts under the name of its value.
pub fn settings() -> Result<BTreeSet<String>> {
    let template = Template::load(&template_file(), &BTreeMap::new())?;
    let names = template.functions.iter().flat_map(|function| function.environment.keys());
    Ok(names.map(|name| name.strip_suffix("_SECRET_ARN").unwrap_or(name).to_owned()).collect())
}

/// What `sam local` would give by its key in the template: no queues, since it knows none, and buckets by their names.
fn unknown_names() -> Result<BTreeMap<String, String>> {
    let template = Template::load(&template_file(), &BTreeMap::new())?;
    let is_queue = |value: &str| template.queues.iter().any(|queue| queue.url == value);
    let is_bucket = |value: &str| template.buckets.iter().any(|bucket| bucket.name == value);
    let settings = template.functions.iter().flat_map(|function| &function.environment);
    let names = settings.filter_map(|(name, value)| match () {
        () if is_queue(value) => Some((name.clone(), String::new())),
        () if is_bucket(value) => Some((name.clone(), value.clone())),
        () => None,
    });
    Ok(names.collect())
}

fn template_file() -> PathBuf {
    root().join("template.yaml")
}

/// A key for `SECRET_KEY`: 32 random bytes in hexadecimal digits.
pub fn random_key() -> String {
    hex::encode(rand::random::<[u8; 32]>())
}

/// The running product: databases with a migrated schema, and the gateway over the functions.
#[derive(Debug)]
pub struct Stack {
    gateway: Gateway,
    providers: Providers,
    databases: Option<Databases>,
    mysql_url: String,
    mongo_url: String,
    temporary: bool,
    binaries: PathBuf,
    environment: BTreeMap<String, String>,
    bridge: Option<Bridge>,
    unknown_names: BTreeMap<String, String>,
    /// The folder with files, where the databases have none for them.
    _scratch: TempDir,
}

impl Stack {
    /// Starts the databases if the stack has its own, opens the gateway and migrates.
    pub async fn start(options: Options) -> Result<Self> {
        let temporary = !matches!(options.source, Source::Own(_));
        let name = if temporary { format!("t{:016x}", rand::random::<u64>()) } else { DATABASE.to_owned() };
        let (databases, mysql_url, mongo_url) = match &options.source {
            Source::Own(folder) => {
                let databases = Databases::start(folder, Wanted::OneRun, &options.progress).await?;
                let urls = (databases.mysql_url(&name), databases.mongo_url(&name));
                (Some(databases), urls.0, urls.1)
            }
            Source::Running { mysql, mongo } => (None, with_database(mysql, &name), with_database(mongo, &name)),
            Source::Tests => (
                None,
                with_database(&variable("TEST_MYSQL_URL")?, &name),
                with_database(&variable("TEST_MONGO_URL")?, &name),
            ),
        };
        Self::over(databases, temporary, mysql_url, mongo_url, options).await
    }

    /// The same over running databases, whose data stay. The stack owns them and stops them with itself.
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
        if options.mails.is_some() {
            environment.extend(MAIL.map(|(name, value)| (name.to_owned(), value.to_owned())));
        }
        let providers = start_providers(options.push_keys.as_ref()).await?;
        environment.extend(providers.environment());
        let file_keys = options.files_domain.then(FileKeys::generate).transpose()?;
        environment.extend(file_keys.iter().map(|keys| ("FILES_KEY".to_owned(), keys.private.clone())));
        environment.extend(options.environment);
        if options.unlimited {
            for limit in settings()?.into_iter().filter(|name| name.starts_with("LIMIT_")) {
                environment.entry(limit).or_insert_with(|| "1000000:1000000".to_owned());
            }
        }
        // As deployed: functions get the ARNs alone, and read the secrets during their init.
        let mut given = environment.clone();
        let secrets: BTreeMap<_, _> =
            [("SECRET_KEY", KEY_SECRET), ("PUSH_SECRET", PUSH_SECRET), ("FILES_KEY", FILES_SECRET)]
                .into_iter()
                .filter_map(|(name, secret)| Some((secret.to_owned(), given.remove(name)?)))
                .collect();
        // LocalStack makes ARNs of its own.
        let is_localstack = options.localstack.is_some();
        let arn = |secret: &str| if is_localstack { secret.to_owned() } else { gateway::secret_arn(secret) };
        // A page under development, and a server of one's own without a limit.
        let mut parameters = BTreeMap::from(
            [
                ("Stage", "local".to_owned()),
                ("SecretKeySecretArn", arn(KEY_SECRET)),
                ("PushSecretArn", arn(PUSH_SECRET)),
                ("AllowedOrigins", "http://localhost:3000".to_owned()),
                ("MysqlConcurrency", "0".to_owned()),
                ("MailIdentity", MAIL_IDENTITY.to_owned()),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        parameters.extend(file_keys.map(|keys| files_domain(keys, arn(FILES_SECRET))).unwrap_or_default());
        // Without this parameter there is no scan plan, and uploads would wait for a scan for ever.
        parameters.extend(given.get("MALWARE_SCAN").map(|scan| ("MalwareScan".to_owned(), scan.clone())));
        parameters.extend(options.parameters);
        let scratch = TempDir::new()?;
        let objects = databases.as_ref().map_or_else(|| scratch.path().to_owned(), Databases::objects);
        let step = options.progress.step("starting the gateway");
        let gateway = Gateway::start(Config {
            template: template_file(),
            parameters,
            binaries: binaries.clone(),
            old_binaries: options.old_binaries,
            environment: Box::new(move |urls| with_urls(given, urls)),
            secrets,
            localstack: options.localstack,
            objects,
            mails: options.mails,
            http_port: options.http_port,
            ws_port: options.ws_port,
            limits: options.limits,
            logs: options.logs,
            cpu_shares: options.cpu_shares,
        })
        .await?;
        let environment = with_urls(environment, gateway.urls());
        let bridge = match options.containers {
            None => None,
            Some(address) => Some(
                Bridge::open(address, &[&mysql_url, &mongo_url, &gateway.urls().connections, &gateway.urls().s3])
                    .await?,
            ),
        };
        let unknown_names = unknown_names()?;
        let stack = Self {
            gateway,
            providers,
            databases,
            mysql_url,
            mongo_url,
            temporary,
            binaries,
            environment,
            bridge,
            unknown_names,
            _scratch: scratch,
        };
        stack.gateway.invoke("migrate", json!({})).await.context("the schema could not be migrated")?;
        step.done("gateway is open, schema is migrated");
        Ok(stack)
    }

    /// Projects everything in MySQL to MongoDB again; answers what each invocation did.
    pub async fn rebuild(&self) -> Result<Vec<serde_json::Value>> {
        let (mut event, mut answers) = (json!({"action": "rebuild"}), Vec::new());
        loop {
            let answer = self.gateway.invoke("migrate", event).await.context("MongoDB could not be rebuilt")?;
            event = json!({"action": "rebuild", "cursor": answer["cursor"]});
            let is_last = answer["more"] != true;
            answers.push(answer);
            if is_last {
                return Ok(answers);
            }
        }
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

    /// The stand-ins of push services: what they were sent, and what shall go wrong.
    pub fn providers(&self) -> &Providers {
        &self.providers
    }

    /// The servers, if the stack has its own.
    pub fn databases(&self) -> Option<&Databases> {
        self.databases.as_ref()
    }

    /// The folder of the functions' binaries.
    pub fn binaries(&self) -> &Path {
        &self.binaries
    }

    /// The settings of all functions, those included that they read from Secrets Manager.
    pub fn environment(&self) -> &BTreeMap<String, String> {
        &self.environment
    }

    /// The variables that functions in containers get, if the stack listens for them.
    pub fn container_environment(&self) -> Option<BTreeMap<String, String>> {
        let mut environment = self.bridge.as_ref()?.environment(&self.environment);
        environment.extend(self.unknown_names.clone());
        if environment.contains_key("FILES_URL") {
            environment.insert("FILES_KEY_ID".to_owned(), FILES_KEY.to_owned());
        }
        Some(environment)
    }

    /// Stops the functions, then the databases if the stack has its own; drops a database that was created for this run.
    pub async fn stop(self) {
        self.gateway.stop().await;
        if self.temporary {
            // Best effort: servers for tests are deleted with their data.
            let _ = mysql::drop_database(&self.mysql_url).await;
            let _ = drop_mongo(&self.mongo_url).await;
        }
        if let Some(databases) = self.databases {
            databases.stop().await;
        }
    }
}

/// The parameters of a domain for files.
fn files_domain(keys: FileKeys, secret: String) -> BTreeMap<String, String> {
    let names = FILES.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let key = [("FilesPublicKey", keys.public), ("FilesKeySecretArn", secret)];
    names.into_iter().chain(key.map(|(name, value)| (name.to_owned(), value))).collect()
}

async fn start_providers(keys: Option<&Keys>) -> Result<Providers> {
    let keys = match keys {
        Some(keys) => keys,
        None => PUSH_KEYS.as_ref().map_err(|error| anyhow!("{error:#}"))?,
    };
    Providers::start(keys, boot::clock()).await
}

fn with_urls(mut environment: BTreeMap<String, String>, urls: &Urls) -> BTreeMap<String, String> {
    environment.entry("WEBSOCKET_URL".to_owned()).or_insert_with(|| urls.ws.clone());
    environment.entry("CONNECTIONS_URL".to_owned()).or_insert_with(|| urls.connections.clone());
    environment.entry("S3_URL".to_owned()).or_insert_with(|| urls.s3.clone());
    if let Some(files) = &urls.files {
        environment.entry("FILES_URL".to_owned()).or_insert_with(|| files.clone());
    }
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

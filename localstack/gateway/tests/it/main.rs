//! The gateway over the wire, with real function processes.
#![expect(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "what fails here fails a test")]

mod cpu_shares;
mod extensions;
mod faults;
mod http_api;
mod iam;
mod lambda;
mod mails;
mod objects;
mod queues;
mod schedules;
mod secrets;
mod websocket;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use aws_sdk_apigatewaymanagement::{
    Client as Management,
    config::{BehaviorVersion, Credentials, Region, retry::RetryConfig},
    error::{ProvideErrorMetadata, SdkError},
    primitives::Blob,
};
use futures_util::{SinkExt, StreamExt};
use gateway::{Config, CpuShares, Gateway, Limits, SentMail};
use serde_json::Value;
use tempfile::TempDir;
use template::Template;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, protocol::CloseFrame},
};

/// The name and the text of the only secret.
const SECRET: (&str, &str) = ("local/KEY", "a text that only Secrets Manager has");

/// How long a test waits for anything.
const PATIENCE: Duration = Duration::from_secs(20);

/// A gateway over the sample template, every function of which is the `echo` example.
struct Local {
    gateway: Gateway,
    lines: Arc<Mutex<Vec<String>>>,
    mails: Arc<Mutex<Vec<SentMail>>>,
    binaries: TempDir,
    /// A folder of another version, of some functions.
    _old_binaries: Option<TempDir>,
}

impl Local {
    async fn start() -> Self {
        Self::with(Limits::default()).await
    }

    async fn with(limits: Limits) -> Self {
        Self::configured(limits, None).await
    }

    async fn configured(limits: Limits, cpu_shares: Option<CpuShares>) -> Self {
        Self::over(&sample(), None, limits, cpu_shares).await
    }

    async fn over(template: &Path, localstack: Option<String>, limits: Limits, cpu_shares: Option<CpuShares>) -> Self {
        Self::of_versions(template, &BTreeMap::new(), localstack, limits, cpu_shares, None).await
    }

    /// A gateway over another template, with these parameters.
    async fn of_template(template: &Path, parameters: &BTreeMap<String, String>) -> Self {
        Self::of_versions(template, parameters, None, Limits::default(), None, None).await
    }

    /// Two versions of these functions at once.
    async fn beside(old: &[&str]) -> Self {
        Self::of_versions(&sample(), &BTreeMap::new(), None, Limits::default(), None, Some(folder(old))).await
    }

    async fn of_versions(
        template: &Path,
        parameters: &BTreeMap<String, String>,
        localstack: Option<String>,
        limits: Limits,
        cpu_shares: Option<CpuShares>,
        old_binaries: Option<TempDir>,
    ) -> Self {
        // The HTTP client brings no cryptography of its own. A second call changes nothing.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let functions = Template::load(template, &BTreeMap::new()).unwrap().functions;
        let binaries = folder(&functions.iter().map(|function| function.name.as_str()).collect::<Vec<_>>());
        let lines: Arc<Mutex<Vec<String>>> = Arc::default();
        let log = Arc::clone(&lines);
        let mails: Arc<Mutex<Vec<SentMail>>> = Arc::default();
        let mailbox = Arc::clone(&mails);
        let gateway = Gateway::start(Config {
            template: template.to_owned(),
            parameters: parameters.clone(),
            binaries: binaries.path().to_owned(),
            old_binaries: old_binaries.as_ref().map(|folder| folder.path().to_owned()),
            environment: Box::new(|urls| {
                let own =
                    [("MONGO_URL", "mongodb://here"), ("CONNECTIONS_URL", urls.connections.as_str()), ("UNASKED", "x")];
                own.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
            }),
            secrets: [SECRET].map(|(name, text)| (name.to_owned(), text.to_owned())).into(),
            localstack,
            objects: binaries.path().join("objects"),
            mails: Some(Arc::new(move |mail| mailbox.lock().unwrap().push(mail))),
            http_port: 0,
            ws_port: 0,
            limits,
            logs: Arc::new(move |function, line| log.lock().unwrap().push(format!("{function}: {line}"))),
            cpu_shares,
        });
        Self { gateway: gateway.await.unwrap(), lines, mails, binaries, _old_binaries: old_binaries }
    }

    fn http(&self, path: &str) -> String {
        format!("{}{path}", self.gateway.urls().http)
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        let response = reqwest::get(self.http(path)).await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    async fn connect(&self) -> Client {
        let (socket, _) = connect_async(&self.gateway.urls().ws).await.unwrap();
        Client { socket }
    }

    /// Waits for a log line that contains `text`.
    async fn line(&self, text: &str) -> String {
        eventually(&format!("a line with `{text}`"), || {
            self.lines.lock().unwrap().iter().find(|line| line.contains(text)).cloned()
        })
        .await
    }

    /// AWS's client of `@connections`, with the keys of the account's owner.
    fn management(&self) -> Management {
        self.management_with(Credentials::new("local", "local", None, None, "test"))
    }

    fn management_with(&self, keys: Credentials) -> Management {
        let config = aws_sdk_apigatewaymanagement::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("us-east-1"))
            .credentials_provider(keys)
            .retry_config(RetryConfig::disabled())
            .endpoint_url(&self.gateway.urls().connections);
        Management::from_conf(config.build())
    }

    async fn post(&self, id: &str, data: &str) -> u16 {
        outcome(self.management().post_to_connection().connection_id(id).data(Blob::new(data)).send().await).0
    }

    fn count(&self, function: &str) -> usize {
        self.gateway.records().iter().filter(|record| record.function == function).count()
    }
}

/// The status of an answer, and the type of its error.
fn outcome<T, E: ProvideErrorMetadata>(result: Result<T, SdkError<E>>) -> (u16, String) {
    match result {
        Ok(_) => (200, String::new()),
        Err(error) => {
            let status = error.raw_response().expect("an answer").status().as_u16();
            (status, error.code().unwrap_or_default().to_owned())
        }
    }
}

/// A WebSocket client.
struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Client {
    async fn send(&mut self, text: impl Into<String>) {
        self.socket.send(Message::text(text.into())).await.unwrap();
    }

    /// The next text frame as JSON.
    async fn receive(&mut self) -> Value {
        match self.next().await {
            Message::Text(text) => serde_json::from_str(&text).unwrap(),
            other => panic!("no text: {other:?}"),
        }
    }

    async fn next(&mut self) -> Message {
        tokio::time::timeout(PATIENCE, self.socket.next()).await.expect("a frame in time").unwrap().unwrap()
    }

    /// Waits for the close frame.
    async fn closed(&mut self) -> CloseFrame {
        loop {
            if let Message::Close(frame) = self.next().await {
                return frame.expect("a close code");
            }
        }
    }

    async fn ask(&mut self, text: impl Into<String>) -> Value {
        self.send(text).await;
        self.receive().await
    }

    /// The connection's id, from an echoed event.
    async fn id(&mut self) -> String {
        let answer = self.ask(r#"{"action":"send"}"#).await;
        answer["event"]["requestContext"]["connectionId"].as_str().unwrap().to_owned()
    }
}

/// Polls until there is something.
async fn eventually<T>(what: &str, mut poll: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = poll() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "{what} never came");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/template.yaml")
}

/// A folder in which each of these functions is the example.
fn folder(functions: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for function in functions {
        std::os::unix::fs::symlink(echo(), folder.path().join(function)).unwrap();
    }
    folder
}

/// The example that cargo builds beside the tests.
fn echo() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    tests.ancestors().nth(2).unwrap().join("examples/echo")
}

fn is_alive(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

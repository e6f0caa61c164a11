//! Every sample event in `localstack/events/`, answered by its function under AWS's own Runtime Interface Emulator.
#![cfg(target_os = "linux")]

use std::{
    collections::BTreeSet,
    env, fs,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use client::{Api, Method};
use e2e::{Sample, http_functions};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};
use stack::Port;

/// The answers to the sample events of the WebSocket functions.
const SOCKETS: [(&str, Sample); 3] = [
    ("ws-connect", Sample { status: 401, fields: &[] }),
    ("ws-send", Sample { status: 200, fields: &[("/re", "1"), ("/d/code", "connection_unknown")] }),
    ("ws-disconnect", Sample { status: 200, fields: &[] }),
];

/// Each function and the answer to its sample event.
fn samples() -> impl Iterator<Item = (&'static str, Sample)> {
    http_functions().into_iter().map(|function| (function.name, function.sample)).chain(SOCKETS)
}

#[tokio::test]
async fn every_function_answers_its_sample_event() -> Result<()> {
    let mysql = testkit::mysql::Database::empty().await;
    let mut mongo_url = url::Url::parse(&variable("TEST_MONGO_URL")?)?;
    mongo_url.set_path(url::Url::parse(&mysql.url)?.path());
    let stack =
        Stack { emulator: variable("LAMBDA_RIE")?.into(), mysql_url: mysql.url.clone(), mongo_url: mongo_url.into() };

    let migrated = stack.answer("migrate").await?;
    for store in ["mysql", "mongo"] {
        ensure!(migrated[store]["version"].as_u64() > Some(0), "migrate answered {migrated}");
    }

    let relayed = stack.answer("relay").await?;
    let nothing = json!({
        "projected": 0, "projections_failed": 0, "delivered": 0, "deliveries_failed": 0, "erased": 0, "erasures_failed": 0,
        "ghosts": 0, "looked_at": 0, "indexed": 0,
    });
    ensure!(relayed == nothing, "relay answered {relayed}");

    let watched = stack.answer("watch-presence").await?;
    ensure!(watched == json!({"batchItemFailures": []}), "watch-presence answered {watched}");

    let inspected = stack.answer("inspect").await?;
    ensure!(inspected == json!({"inspected": 0}), "inspect answered {inspected}");

    // Without a sender nothing is sent.
    let sent = stack.answer("send-mail").await?;
    ensure!(sent == json!({"sent": 0, "delayed": 0, "given_up": 0}), "send-mail answered {sent}");

    // Nothing is due, and no S3 answers.
    let swept = stack.answer("sweep-files").await?;
    let nothing = json!({
        "given": 0, "settled": 0, "freed": 0, "ended": 0, "deleted": 0, "failed": 1, "corrected": 0, "orphans": 0,
        "spared": 0, "missing": 0,
    });
    ensure!(swept == nothing, "sweep-files answered {swept}");

    // The job is long past its time.
    let pushed = stack.answer("fanout").await?;
    ensure!(pushed == json!({"batchItemFailures": []}), "fanout answered {pushed}");

    let notified = stack.answer("send-push").await?;
    ensure!(notified == json!({"batchItemFailures": []}), "send-push answered {notified}");

    for (function, Sample { status, fields }) in samples() {
        let answer = stack.answer(function).await?;
        ensure!(answer["statusCode"] == status, "{function} answered {answer}");
        let body = answer["body"].as_str().map(serde_json::from_str::<Value>).transpose();
        for (pointer, value) in fields {
            let found = body.as_ref().ok().and_then(Option::as_ref).and_then(|body| body.pointer(pointer));
            ensure!(found == Some(&json!(value)), "{function} has no {value} at {pointer}: {answer}");
        }
    }
    Ok(())
}

#[test]
fn every_function_has_a_sample_event_and_an_expected_answer() -> Result<()> {
    let names = |folder: &str| -> Result<BTreeSet<String>> {
        let entries = fs::read_dir(root().join(folder))?;
        let stem = |path: PathBuf| path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        entries.map(|entry| stem(entry?.path()).context("an entry has a name")).collect()
    };
    let expected = samples().map(|(function, _)| function).chain([
        "fanout",
        "inspect",
        "migrate",
        "relay",
        "send-mail",
        "send-push",
        "sweep-files",
        "watch-presence",
    ]);

    let functions = names("functions")?;
    assert_eq!(names("localstack/events")?, functions);
    assert_eq!(expected.map(str::to_owned).collect::<BTreeSet<_>>(), functions);
    Ok(())
}

struct Stack {
    emulator: PathBuf,
    mysql_url: String,
    mongo_url: String,
}

impl Stack {
    /// Sends a function's event to a new environment.
    async fn answer(&self, function: &str) -> Result<Value> {
        let event = fs::read(root().join("localstack/events").join(function).with_extension("json"))?;
        let running = Running::start(self, function)?;
        let api = Api::new(&format!("http://{}", running.address));
        let request = api.request(Method::POST, "/2015-03-31/functions/function/invocations").body(event);
        let answer = Api::send(request.timeout(Duration::from_mins(1))).await?.text;
        serde_json::from_str(&answer).with_context(|| format!("{function} answered {answer}"))
    }
}

/// An emulator with one function; dropping it stops both.
struct Running {
    emulator: Child,
    address: SocketAddr,
    _ports: [Port; 2],
}

impl Running {
    fn start(stack: &Stack, function: &str) -> Result<Self> {
        let binary = Path::new(&variable("FUNCTION_BINARIES")?).join(function).canonicalize();
        let ports = [Port::free()?, Port::free()?];
        let [address, runtime_api] =
            ports.each_ref().map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port.number())));
        let emulator = Command::new(&stack.emulator)
            .args(["--runtime-interface-emulator-address", &address.to_string()])
            .args(["--runtime-api-address", &runtime_api.to_string()])
            .args(["--log-level", "error"])
            .arg(binary.with_context(|| format!("{function} is not built: run `cargo local test`"))?)
            .envs([
                ("MYSQL_URL", stack.mysql_url.as_str()),
                ("MONGO_URL", &stack.mongo_url),
                ("SECRET_KEY", "a key for the emulator's functions alone"),
                ("WEBSOCKET_URL", "ws://127.0.0.1:9/local"),
                ("CONNECTIONS_URL", "http://127.0.0.1:9/local"),
                ("ALLOWED_ORIGINS", "http://localhost:3000"),
                ("PUSH_QUEUE_URL", "http://127.0.0.1:9/1/push"),
                ("PUSH_SECRET", "{}"),
                ("S3_URL", "http://127.0.0.1:9"),
                ("UPLOADS_BUCKET", "uploads"),
                ("FILES_BUCKET", "files"),
                ("AWS_REGION", "us-east-1"),
                ("AWS_ACCESS_KEY_ID", "local"),
                ("AWS_SECRET_ACCESS_KEY", "local"),
                ("AWS_LAMBDA_FUNCTION_NAME", function),
            ])
            .stdin(Stdio::null())
            .spawn()
            .context("the emulator does not start")?;
        let mut running = Self { emulator, address, _ports: ports };
        running.wait_until_listening()?;
        Ok(running)
    }

    fn wait_until_listening(&mut self) -> Result<()> {
        let started = Instant::now();
        while std::net::TcpStream::connect(self.address).is_err() {
            ensure!(self.emulator.try_wait()?.is_none(), "the emulator ended by itself");
            ensure!(started.elapsed() < Duration::from_secs(30), "the emulator does not listen");
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It stops its function only on SIGTERM.
        let _ = i32::try_from(self.emulator.id()).map(|id| kill(Pid::from_raw(id), Signal::SIGTERM));
        for _ in 0..100 {
            if !matches!(self.emulator.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        let _ = self.emulator.kill();
        let _ = self.emulator.wait();
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn variable(name: &str) -> Result<String> {
    env::var(name).with_context(|| format!("{name} is not set: run `cargo local test`"))
}

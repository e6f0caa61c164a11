//! Measures what the gateway itself costs: an empty function, one client, one request after another.
//!
//! Prints the latency and the processor time of the gateway's threads per request. The example is the function, too:
//! it finds out by the variable that Lambda sets.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::TcpStream,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use gateway::{Config, Gateway, Limits};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

const TEMPLATE: &str = "
Transform: AWS::Serverless-2016-10-31
Resources:
  Empty:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: empty
      Events:
        Post: {Type: HttpApi, Properties: {Method: POST, Path: /empty}}
";
const REQUEST: &str = "POST /empty HTTP/1.1\r\nhost: 127.0.0.1\r\nuser-agent: latency\r\naccept: */*\r\n\
    authorization: Bearer 0123456789012345678901234567890123456789012345678901234567890123456789\r\n\
    content-type: application/json\r\ncontent-length: 42\r\n\r\n{\"room_id\":7,\"content\":\"hello, everybody\"}";
const WARM_UP: usize = 500;
const REQUESTS: usize = 5000;

fn main() -> Result<()> {
    let is_function = std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_some();
    let runtime = if is_function {
        tokio::runtime::Builder::new_current_thread().enable_all().build()?
    } else {
        tokio::runtime::Builder::new_multi_thread().enable_all().build()?
    };
    if is_function {
        return runtime.block_on(lambda_runtime::run(service_fn(empty))).map_err(|error| anyhow::anyhow!(error));
    }
    runtime.block_on(measure())
}

async fn empty(_: LambdaEvent<Value>) -> Result<Value, Error> {
    Ok(json!({"statusCode": 200, "headers": {"content-type": "application/json"}, "body": "{}"}))
}

async fn measure() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let template = folder.path().join("template.yaml");
    std::fs::write(&template, TEMPLATE)?;
    std::os::unix::fs::symlink(std::env::current_exe()?, folder.path().join("empty"))?;
    let gateway = Gateway::start(Config {
        template,
        parameters: BTreeMap::new(),
        binaries: folder.path().to_owned(),
        old_binaries: None,
        environment: Box::new(|_| BTreeMap::new()),
        secrets: BTreeMap::new(),
        localstack: None,
        objects: folder.path().join("objects"),
        mails: None,
        http_port: 0,
        ws_port: 0,
        limits: Limits::default(),
        logs: Arc::new(|_, line| eprintln!("{line}")),
        cpu_shares: None,
    })
    .await?;
    let address = gateway.urls().http.trim_start_matches("http://").to_owned();
    let client = std::thread::Builder::new().name("client".to_owned()).spawn(move || requests(&address))?;
    let client = tokio::task::spawn_blocking(move || client.join());
    let (mut latencies, processor) = client.await?.map_err(|_| anyhow::anyhow!("the client panicked"))??;
    latencies.sort_unstable();
    let at = |percent: usize| latencies.get(latencies.len() * percent / 100).copied().unwrap_or_default();
    println!("p50 {:?}, p99 {:?}, gateway's processor time {:?} per request", at(50), at(99), processor);
    gateway.stop().await;
    Ok(())
}

fn requests(address: &str) -> Result<(Vec<Duration>, Duration)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    for _ in 0..WARM_UP {
        request(&mut stream)?;
    }
    let before = processor_time()?;
    let latencies: Vec<Duration> = (0..REQUESTS).map(|_| request(&mut stream)).collect::<Result<_>>()?;
    Ok((latencies, processor_time()?.saturating_sub(before) / u32::try_from(REQUESTS)?))
}

fn request(stream: &mut TcpStream) -> Result<Duration> {
    let begun = Instant::now();
    stream.write_all(REQUEST.as_bytes())?;
    let mut answer = [0; 4096];
    let size = stream.read(&mut answer)?;
    ensure!(answer[..size].starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer[..size]));
    Ok(begun.elapsed())
}

/// What all threads but the client's have used.
fn processor_time() -> Result<Duration> {
    let mut total = 0;
    for task in std::fs::read_dir("/proc/self/task")? {
        let task = task?.path();
        let name = std::fs::read_to_string(task.join("comm")).unwrap_or_default();
        let used = std::fs::read_to_string(task.join("schedstat")).unwrap_or_default();
        if name.trim() != "client" {
            total += used.split(' ').next().unwrap_or_default().parse::<u64>().context("schedstat")?;
        }
    }
    Ok(Duration::from_nanos(total))
}

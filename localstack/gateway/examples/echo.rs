//! A function for the gateway's tests: it does what the field `do` of an event says, and answers with the event.

use std::{convert::Infallible, sync::Arc, time::Duration};

use aws_sdk_apigatewaymanagement::{
    Client,
    config::{BehaviorVersion, Credentials, Region},
    primitives::Blob,
};
use lambda_extension::Extension;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};
use tokio::{
    io::AsyncReadExt,
    net::TcpStream,
    sync::{
        Mutex,
        mpsc::{UnboundedSender, unbounded_channel},
    },
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    match std::env::var("INIT").as_deref() {
        Ok("crash") => std::process::exit(7),
        Ok("hang") => std::future::pending().await,
        Ok("spin") => spin(150),
        _ => {}
    }
    let (after, wishes) = unbounded_channel();
    let handler = service_fn(|event: LambdaEvent<Value>| handle(event, after.clone()));
    if std::env::var_os("EXTENSION").is_none() {
        println!("init done");
        return lambda_runtime::run(handler).await;
    }
    let wishes = Arc::new(Mutex::new(wishes));
    let extension = Extension::new()
        .with_extension_name("after")
        .with_events(&["INVOKE"])
        .with_events_processor(lambda_extension::service_fn(|_| {
            let wishes = Arc::clone(&wishes);
            async move {
                if let Some(wish) = wishes.lock().await.recv().await {
                    work_after(&wish).await;
                }
                Ok::<_, Infallible>(())
            }
        }))
        .register()
        .await?;
    println!("init done");
    tokio::try_join!(lambda_runtime::run(handler), extension.run())?;
    Ok(())
}

/// Tells the extension what to do once this invocation has its answer.
async fn handle(event: LambdaEvent<Value>, after: UnboundedSender<Value>) -> Result<Value, Error> {
    let wish = wish(&event.payload);
    let answer = answer(event, &wish).await;
    // Without an extension nobody receives it.
    let _ = after.send(wish);
    answer
}

async fn work_after(wish: &Value) {
    // The runtime hands the answer over first.
    tokio::time::sleep(Duration::from_millis(20)).await;
    match wish["after"].as_str() {
        Some("sleep") => {
            println!("after-work begins");
            tokio::time::sleep(Duration::from_millis(number(&wish["ms"]))).await;
            println!("after-work ends");
        }
        Some("crash") => std::process::exit(7),
        _ => {}
    }
}

async fn answer(event: LambdaEvent<Value>, wish: &Value) -> Result<Value, Error> {
    let (event, context) = event.into_parts();
    let unanswered = event["requestContext"]["eventType"].as_str().is_some_and(|kind| kind != "MESSAGE");
    if unanswered || ["aws.events", "aws.s3", "aws.guardduty"].iter().any(|source| event["source"] == *source) {
        println!("event: {event}");
    }
    if let Some(records) = event["Records"].as_array() {
        println!("batch: {event}");
        return work_off(records).await;
    }
    match wish["do"].as_str().unwrap_or("echo") {
        "fail" => return Err("asked to fail".into()),
        "crash" => std::process::exit(7),
        "bare" => return Ok(json!({"bare": true})),
        "malformed" => return Ok(json!({"statusCode": "what"})),
        "big" => return Ok(json!({"statusCode": 200, "body": "x".repeat(7_000_000)})),
        "sleep" => {
            println!("sleeping {}", wish["ms"]);
            tokio::time::sleep(Duration::from_millis(number(&wish["ms"]))).await;
        }
        "status" => return Ok(json!({"statusCode": number(&wish["status"]), "body": "as asked"})),
        "headers" => {
            let headers =
                json!({"x-one": 1, "access-control-allow-origin": "https://evil.example", "content-type": "text/html"});
            return Ok(
                json!({"statusCode": 201, "headers": headers, "cookies": ["a=1", "b=2"], "body": "aGk=", "isBase64Encoded": true}),
            );
        }
        "protocol" => return Ok(json!({"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": "chat.v1"}})),
        "env" => {
            let variables: serde_json::Map<_, _> =
                std::env::vars().map(|(key, value)| (key, Value::String(value))).collect();
            return Ok(json!({"statusCode": 200, "body": Value::Object(variables).to_string()}));
        }
        "hold" => return Ok(json!({"statusCode": 200, "body": held_connection().await?})),
        "spin" => spin(number(&wish["ms"])),
        "extension" => return Ok(extension_request(wish).await?),
        "post" => {
            let to = wish["to"].as_str().or(event["requestContext"]["connectionId"].as_str()).unwrap_or_default();
            println!("posted: {}", post(to, wish["data"].as_str().unwrap_or_default()).await);
        }
        _ => {}
    }
    let context =
        json!({"request_id": context.request_id, "deadline": context.deadline, "arn": context.invoked_function_arn});
    let body = json!({"event": event, "context": context, "pid": std::process::id()});
    Ok(json!({"statusCode": 200, "headers": {"content-type": "application/json"}, "body": body.to_string()}))
}

/// Does what the bodies of a batch say, and answers which of them failed.
async fn work_off(records: &[Value]) -> Result<Value, Error> {
    let mut failures = Vec::new();
    for record in records {
        match record["body"].as_str().unwrap_or_default() {
            "fail" => failures.push(json!({"itemIdentifier": record["messageId"]})),
            "fail all" => return Err("asked to fail".into()),
            "sleep" => tokio::time::sleep(Duration::from_secs(1)).await,
            "env" => {
                let variables =
                    ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_SQS"];
                println!("env: {}", variables.map(|name| std::env::var(name).unwrap_or_default()).join(" "));
            }
            _ => {}
        }
    }
    Ok(json!({"batchItemFailures": failures}))
}

/// What the event asks for: in the body, in the query, or in itself.
fn wish(event: &Value) -> Value {
    let body = event["body"].as_str().and_then(|body| serde_json::from_str(body).ok());
    let query = event.get("queryStringParameters").cloned();
    body.or(query)
        .filter(|wish: &Value| wish.get("do").is_some() || wish.get("after").is_some())
        .unwrap_or_else(|| event.clone())
}

fn number(value: &Value) -> u64 {
    value.as_u64().or_else(|| value.as_str()?.parse().ok()).unwrap_or_default()
}

/// What became of the connection that an earlier invocation opened.
async fn held_connection() -> Result<&'static str, Error> {
    static HELD: Mutex<Option<TcpStream>> = Mutex::const_new(None);
    let mut held = HELD.lock().await;
    let Some(stream) = held.as_mut() else {
        let url = std::env::var("CONNECTIONS_URL")?;
        let address = url.trim_start_matches("http://").split('/').next().unwrap_or_default();
        *held = Some(TcpStream::connect(address).await?);
        return Ok("opened");
    };
    // Nothing comes from the other side but the end of the connection.
    match tokio::time::timeout(Duration::from_millis(100), stream.read_u8()).await {
        Err(_) => Ok("open"),
        Ok(_) => Ok("ended"),
    }
}

/// Uses so much processor time.
fn spin(ms: u64) {
    let used = || {
        let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
        stat.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or(u64::MAX)
    };
    let until = used().saturating_add(ms * 1_000_000);
    while used() < until {}
}

/// Asks the Extensions API for something that it refuses, and answers with its refusal.
async fn extension_request(wish: &Value) -> Result<Value, reqwest::Error> {
    let text = |key: &str| wish[key].as_str().unwrap_or_default().to_owned();
    let address = std::env::var("AWS_LAMBDA_RUNTIME_API").unwrap_or_default();
    let url = format!("http://{address}/2020-01-01/extension/{}", text("path"));
    // The HTTP client brings no cryptography of its own. A second call changes nothing.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let client = reqwest::Client::new();
    let request = if text("path") == "event/next" { client.get(url) } else { client.post(url) };
    let request = if text("name").is_empty() { request } else { request.header("Lambda-Extension-Name", text("name")) };
    let request = request.header("Lambda-Extension-Identifier", text("id")).body(text("body"));
    let response = request.send().await?;
    let status = response.status().as_u16();
    let refusal: Value = response.json().await?;
    Ok(json!({"statusCode": 200, "body": json!([status, refusal["errorType"]]).to_string()}))
}

/// Posts with AWS's own client, as a real function does.
async fn post(connection: &str, data: &str) -> String {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let config = aws_sdk_apigatewaymanagement::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(Credentials::new(
            variable("AWS_ACCESS_KEY_ID"),
            variable("AWS_SECRET_ACCESS_KEY"),
            Some(variable("AWS_SESSION_TOKEN")),
            None,
            "test",
        ))
        .endpoint_url(variable("CONNECTIONS_URL"))
        .build();
    let sent =
        Client::from_conf(config).post_to_connection().connection_id(connection).data(Blob::new(data)).send().await;
    match sent.map_err(aws_sdk_apigatewaymanagement::error::SdkError::into_service_error) {
        Ok(_) => "sent".to_owned(),
        Err(error) if error.is_gone_exception() => "gone".to_owned(),
        Err(error) if error.is_payload_too_large_exception() => "too large".to_owned(),
        Err(error) if error.is_limit_exceeded_exception() => "limited".to_owned(),
        Err(error) => format!("{error:?}"),
    }
}

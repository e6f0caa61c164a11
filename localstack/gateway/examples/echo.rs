//! A function for the gateway's tests: it does what an event's `do` says, and answers with the event.

use std::time::Duration;

use aws_sdk_apigatewaymanagement::{
    Client,
    config::{BehaviorVersion, Credentials, Region},
    primitives::Blob,
};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    match std::env::var("INIT").as_deref() {
        Ok("crash") => std::process::exit(7),
        Ok("hang") => std::future::pending().await,
        _ => {}
    }
    println!("init done");
    lambda_runtime::run(service_fn(handle)).await
}

async fn handle(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let (event, context) = event.into_parts();
    let wish = wish(&event);
    let unanswered = event["requestContext"]["eventType"].as_str().is_some_and(|kind| kind != "MESSAGE");
    if unanswered || event["source"] == "aws.events" {
        println!("event: {event}");
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

/// What the event asks for: in the body, in the query, or in itself.
fn wish(event: &Value) -> Value {
    let body = event["body"].as_str().and_then(|body| serde_json::from_str(body).ok());
    let query = event.get("queryStringParameters").cloned();
    body.or(query).filter(|wish: &Value| wish.get("do").is_some()).unwrap_or_else(|| event.clone())
}

fn number(value: &Value) -> u64 {
    value.as_u64().or_else(|| value.as_str()?.parse().ok()).unwrap_or_default()
}

/// Posts with AWS's own client, as a real function does.
async fn post(connection: &str, data: &str) -> String {
    let config = aws_sdk_apigatewaymanagement::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(Credentials::new("local", "local", None, None, "test"))
        .endpoint_url(std::env::var("CONNECTIONS_URL").unwrap_or_default())
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

//! What API Gateway tells a WebSocket function.
#![expect(clippy::expect_used, reason = "a test ends where its set-up fails")]

use serde_json::{Value, json};
use socket::Event;
use std::time::Duration;

/// A client that connects, by the query parameters and headers of its upgrade.
pub fn upgrade(connection: &str, query: &Value, headers: &Value) -> Event {
    event(connection, &json!({ "queryStringParameters": query, "headers": headers }))
}

/// A frame of a client.
pub fn frame(connection: &str, frame: &Value) -> Event {
    text(connection, &frame.to_string())
}

/// A frame of a client that may not be JSON.
pub fn text(connection: &str, text: &str) -> Event {
    let frame: Value = serde_json::from_str(text).unwrap_or_default();
    let route = frame["action"].as_str().unwrap_or("$default");
    event(connection, &json!({ "body": text, "requestContext": { "routeKey": route } }))
}

/// A client that has gone.
pub fn closed(connection: &str) -> Event {
    event(connection, &json!({}))
}

fn event(connection: &str, event: &Value) -> Event {
    let mut event = event.clone();
    let context = &mut event["requestContext"];
    (context["connectionId"], context["requestId"]) = (json!(connection), json!("request"));
    (context["connectedAt"], context["requestTimeEpoch"]) = (json!(0), json!(0));
    let request = serde_json::from_value(event).expect("an event of API Gateway");
    Event::new(request, Duration::from_secs(30)).expect("an event with a connection")
}

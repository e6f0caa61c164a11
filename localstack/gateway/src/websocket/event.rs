//! Events of the WebSocket API as API Gateway makes them.

use std::collections::BTreeMap;

use http::{HeaderMap, request::Parts};
use serde_json::{Map, Value as Json, json};

use super::connection::Peer;
use crate::ids;

/// What every event of one connection says.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    pub(super) connection_id: String,
    pub(super) connected_at: i64,
    pub(super) domain: String,
    pub(super) stage: String,
    pub(super) api: String,
    pub(super) peer: Peer,
}

impl Origin {
    /// `$connect`.
    pub(super) fn connect(&self, parts: &Parts, port: u16) -> Json {
        let mut headers = by_name(&parts.headers);
        headers.insert("X-Forwarded-For".to_owned(), vec![self.peer.source_ip.clone()]);
        headers.insert("X-Forwarded-Port".to_owned(), vec![port.to_string()]);
        headers.insert("X-Forwarded-Proto".to_owned(), vec!["http".to_owned()]);
        headers.insert("X-Amzn-Trace-Id".to_owned(), vec![ids::trace()]);
        let mut event = self.event("$connect", "CONNECT", &ids::short());
        put_multiple(&mut event, "headers", "multiValueHeaders", &headers);
        let mut query: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()) {
            query.entry(name.into_owned()).or_default().push(value.into_owned());
        }
        if !query.is_empty() {
            put_multiple(&mut event, "queryStringParameters", "multiValueQueryStringParameters", &query);
        }
        event
    }

    /// A frame.
    pub(super) fn message(&self, route: &str, body: &str, request_id: &str) -> Json {
        let mut event = self.event(route, "MESSAGE", request_id);
        event["requestContext"]["messageId"] = Json::String(ids::short());
        event["body"] = Json::String(body.to_owned());
        event
    }

    /// `$disconnect`.
    pub(super) fn disconnect(&self, code: u16, reason: &str) -> Json {
        let mut event = self.event("$disconnect", "DISCONNECT", &ids::short());
        event["requestContext"]["disconnectStatusCode"] = Json::from(code);
        event["requestContext"]["disconnectReason"] = Json::String(reason.to_owned());
        let headers = [("Host", self.domain.as_str()), ("x-api-key", ""), ("X-Forwarded-For", ""), ("x-restapi", "")];
        let headers = headers.map(|(name, value)| (name.to_owned(), vec![value.to_owned()])).into();
        put_multiple(&mut event, "headers", "multiValueHeaders", &headers);
        event
    }

    fn event(&self, route: &str, kind: &str, request_id: &str) -> Json {
        let at = ids::now();
        let mut identity = json!({"sourceIp": self.peer.source_ip});
        if let Some(user_agent) = &self.peer.user_agent {
            identity["userAgent"] = Json::String(user_agent.clone());
        }
        json!({
            "requestContext": {
                "routeKey": route,
                "eventType": kind,
                "extendedRequestId": request_id,
                "requestTime": ids::log_time(at),
                "messageDirection": "IN",
                "stage": self.stage,
                "connectedAt": self.connected_at,
                "requestTimeEpoch": ids::epoch_millis(at),
                "identity": identity,
                "requestId": request_id,
                "domainName": self.domain,
                "connectionId": self.connection_id,
                "apiId": self.api,
            },
            "isBase64Encoded": false,
        })
    }
}

/// Single values (the last one of each) and all values.
fn put_multiple(event: &mut Json, single: &str, multiple: &str, values: &BTreeMap<String, Vec<String>>) {
    let last = values.iter().filter_map(|(name, values)| Some((name.clone(), Json::String(values.last()?.clone()))));
    event[single] = Json::Object(last.collect::<Map<_, _>>());
    event[multiple] = json!(values);
}

/// Headers as this API spells them, which is not in lower case.
fn by_name(headers: &HeaderMap) -> BTreeMap<String, Vec<String>> {
    let mut named: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        named.entry(titled(name.as_str())).or_default().push(value);
    }
    named
}

fn titled(name: &str) -> String {
    if name.starts_with("sec-websocket-") {
        return titled_words(name).replace("Websocket", "WebSocket");
    }
    titled_words(name)
}

fn titled_words(name: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
        first + letters.as_str()
    };
    name.split('-').map(word).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_spelled_as_browsers_did() {
        assert_eq!(titled("user-agent"), "User-Agent");
        assert_eq!(titled("sec-websocket-key"), "Sec-WebSocket-Key");
    }
}

//! Events of the WebSocket API as API Gateway makes them.

use std::collections::BTreeMap;

use http::{HeaderMap, request::Parts};
use hyper::body::Bytes;
use serde::Serialize;

use super::connection::Peer;
use crate::ids;

/// The fields that all events of one connection share.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    pub(super) connection_id: String,
    pub(super) connected_at: i64,
    pub(super) domain: String,
    pub(super) stage: String,
    pub(super) api: String,
    pub(super) peer: Peer,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Event<'e> {
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    headers: Option<Headers<'e>>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    query: Option<Query<'e>>,
    request_context: Context<'e>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'e str>,
    is_base64_encoded: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Headers<'e> {
    headers: BTreeMap<&'e str, &'e str>,
    multi_value_headers: &'e Values,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Query<'e> {
    query_string_parameters: BTreeMap<&'e str, &'e str>,
    multi_value_query_string_parameters: &'e Values,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Context<'e> {
    route_key: &'e str,
    event_type: &'static str,
    extended_request_id: &'e str,
    request_time: String,
    message_direction: &'static str,
    stage: &'e str,
    connected_at: i64,
    request_time_epoch: i64,
    identity: Identity<'e>,
    request_id: &'e str,
    domain_name: &'e str,
    connection_id: &'e str,
    api_id: &'e str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disconnect_status_code: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disconnect_reason: Option<&'e str>,
}

/// The client, as events and `@connections` describe it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Identity<'e> {
    source_ip: &'e str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<&'e str>,
}

impl Peer {
    pub(super) fn identity(&self) -> Identity<'_> {
        Identity { source_ip: &self.source_ip, user_agent: self.user_agent.as_deref() }
    }
}

type Values = BTreeMap<String, Vec<String>>;

impl Origin {
    /// `$connect`.
    pub(super) fn connect(&self, parts: &Parts, port: u16) -> Bytes {
        let mut headers = by_name(&parts.headers);
        headers.insert("X-Forwarded-For".to_owned(), vec![self.peer.source_ip.clone()]);
        headers.insert("X-Forwarded-Port".to_owned(), vec![port.to_string()]);
        headers.insert("X-Forwarded-Proto".to_owned(), vec!["http".to_owned()]);
        headers.insert("X-Amzn-Trace-Id".to_owned(), vec![ids::trace()]);
        let mut query = Values::new();
        for (name, value) in url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()) {
            query.entry(name.into_owned()).or_default().push(value.into_owned());
        }
        let query = (!query.is_empty()).then_some(&query);
        let query = query.map(|query| Query {
            query_string_parameters: last_values(query),
            multi_value_query_string_parameters: query,
        });
        let headers = Some(Headers { headers: last_values(&headers), multi_value_headers: &headers });
        let request_id = ids::short();
        bytes(&Event { headers, query, ..Self::event(self.context("$connect", "CONNECT", &request_id)) })
    }

    /// A frame.
    pub(super) fn message(&self, route: &str, body: &str, request_id: &str) -> Bytes {
        let context = Context { message_id: Some(ids::short()), ..self.context(route, "MESSAGE", request_id) };
        bytes(&Event { body: Some(body), ..Self::event(context) })
    }

    /// `$disconnect`.
    pub(super) fn disconnect(&self, code: u16, reason: &str) -> Bytes {
        let headers = [("Host", self.domain.as_str()), ("x-api-key", ""), ("X-Forwarded-For", ""), ("x-restapi", "")];
        let headers: Values = headers.map(|(name, value)| (name.to_owned(), vec![value.to_owned()])).into();
        let headers = Some(Headers { headers: last_values(&headers), multi_value_headers: &headers });
        let request_id = ids::short();
        let context = Context {
            disconnect_status_code: Some(code),
            disconnect_reason: Some(reason),
            ..self.context("$disconnect", "DISCONNECT", &request_id)
        };
        bytes(&Event { headers, ..Self::event(context) })
    }

    fn event(request_context: Context<'_>) -> Event<'_> {
        Event { headers: None, query: None, request_context, body: None, is_base64_encoded: false }
    }

    fn context<'e>(&'e self, route: &'e str, kind: &'static str, request_id: &'e str) -> Context<'e> {
        let at = ids::now();
        Context {
            route_key: route,
            event_type: kind,
            extended_request_id: request_id,
            request_time: ids::log_time(at),
            message_direction: "IN",
            stage: &self.stage,
            connected_at: self.connected_at,
            request_time_epoch: ids::epoch_millis(at),
            identity: self.peer.identity(),
            request_id,
            domain_name: &self.domain,
            connection_id: &self.connection_id,
            api_id: &self.api,
            message_id: None,
            disconnect_status_code: None,
            disconnect_reason: None,
        }
    }
}

fn bytes(event: &Event<'_>) -> Bytes {
    // Text keys and plain values always serialize.
    serde_json::to_vec(event).unwrap_or_default().into()
}

/// The last value of each.
fn last_values(values: &Values) -> BTreeMap<&str, &str> {
    values.iter().filter_map(|(name, values)| Some((name.as_str(), values.last()?.as_str()))).collect()
}

/// Headers in title case, as in the WebSocket API.
fn by_name(headers: &HeaderMap) -> Values {
    let mut named = Values::new();
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
    fn headers_are_in_title_case() {
        assert_eq!(titled("user-agent"), "User-Agent");
        assert_eq!(titled("sec-websocket-key"), "Sec-WebSocket-Key");
    }
}

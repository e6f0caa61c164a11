//! Payload format 2.0: a request as an event, and an answer as a response.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header, request::Parts};
use http_body_util::Full;
use hyper::body::Bytes;
use serde_json::{Map, Value as Json, json};

use super::routes::{Match, decoded};
use crate::{ids, server::Answer, template::ACCOUNT};

/// Headers of an answer that belong to the connection or to the gateway.
const HOP_BY_HOP: [HeaderName; 5] =
    [header::CONNECTION, header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::UPGRADE, header::DATE];

/// The event for a request.
pub(super) fn event(
    parts: &Parts,
    body: &Bytes,
    route: &Match<'_>,
    api: &str,
    source_ip: &str,
    request_id: &str,
) -> Json {
    let at = ids::now();
    let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let (domain, port) = host.rsplit_once(':').unwrap_or((host, "80"));
    let path = decoded(parts.uri.path());
    let query = parts.uri.query().unwrap_or_default();
    let mut headers = joined(&parts.headers);
    let cookies = headers.remove("cookie");
    let user_agent = headers.get("user-agent").cloned().unwrap_or_default();
    let forwarded =
        headers.get("x-forwarded-for").map_or_else(|| source_ip.to_owned(), |before| format!("{before}, {source_ip}"));
    headers.insert("x-amzn-trace-id".to_owned(), ids::trace());
    headers.insert("x-forwarded-for".to_owned(), forwarded);
    headers.insert("x-forwarded-port".to_owned(), port.to_owned());
    headers.insert("x-forwarded-proto".to_owned(), "http".to_owned());
    if !body.is_empty() {
        headers.entry("content-length".to_owned()).or_insert_with(|| body.len().to_string());
    }
    let mut event = json!({
        "version": "2.0",
        "routeKey": route.key,
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": api,
            "domainName": domain,
            "domainPrefix": domain.split('.').next().unwrap_or_default(),
            "http": {
                "method": parts.method.as_str(),
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": source_ip,
                "userAgent": user_agent,
            },
            "requestId": request_id,
            "routeKey": route.key,
            "stage": "$default",
            "time": ids::log_time(at),
            "timeEpoch": ids::epoch_millis(at),
        },
        "isBase64Encoded": false,
    });
    let mut put = |key: &str, value: Json| event.as_object_mut().map(|event| event.insert(key.to_owned(), value));
    if let Some(cookies) = cookies {
        put("cookies", cookies.split(';').map(str::trim).filter(|cookie| !cookie.is_empty()).collect());
    }
    if !query.is_empty() {
        put("queryStringParameters", json!(query_parameters(query)));
    }
    if !route.parameters.is_empty() {
        put("pathParameters", json!(route.parameters));
    }
    if !body.is_empty() {
        let text = std::str::from_utf8(body).ok().filter(|_| is_text(&parts.headers));
        put("body", Json::String(text.map_or_else(|| STANDARD.encode(body), str::to_owned)));
        put("isBase64Encoded", Json::Bool(text.is_none()));
    }
    event
}

/// The response for an answer; `None` is an answer that API Gateway can't read.
pub(super) fn response(answer: &[u8]) -> Option<Answer> {
    let answer: Json = serde_json::from_slice(answer).ok()?;
    let Some(status) = answer.get("statusCode") else {
        let body = answer.to_string();
        let response = Response::builder().header(header::CONTENT_TYPE, "application/json");
        return response.body(Full::new(Bytes::from(body))).ok();
    };
    let status = status.as_u64().or_else(|| status.as_str()?.parse().ok())?;
    let body = match answer.get("body") {
        None | Some(Json::Null) => Bytes::new(),
        Some(Json::String(body)) if answer.get("isBase64Encoded").and_then(Json::as_bool) == Some(true) => {
            Bytes::from(STANDARD.decode(body).ok()?)
        }
        Some(Json::String(body)) => Bytes::from(body.clone()),
        Some(_) => return None,
    };
    let mut response = Response::new(Full::new(body.clone()));
    *response.status_mut() = StatusCode::from_u16(u16::try_from(status).ok()?).ok()?;
    let headers = response.headers_mut();
    for (name, value) in entries(answer.get("headers"))? {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        if !HOP_BY_HOP.contains(&name) {
            headers.insert(name, HeaderValue::from_bytes(scalar(value)?.as_bytes()).ok()?);
        }
    }
    for cookie in answer.get("cookies").and_then(Json::as_array).into_iter().flatten() {
        headers.append(header::SET_COOKIE, HeaderValue::from_str(cookie.as_str()?).ok()?);
    }
    if !body.is_empty() {
        headers.entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static("text/plain;charset=UTF-8"));
    }
    Some(response)
}

fn entries(value: Option<&Json>) -> Option<Vec<(&String, &Json)>> {
    match value {
        None | Some(Json::Null) => Some(Vec::new()),
        Some(Json::Object(entries)) => Some(Map::iter(entries).collect()),
        Some(_) => None,
    }
}

fn scalar(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Bool(_) | Json::Number(_) => Some(value.to_string()),
        _ => None,
    }
}

/// Headers in lower case, repeated ones joined with commas (cookies with semicolons).
fn joined(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut joined: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        let separator = if *name == header::COOKIE { "; " } else { "," };
        joined
            .entry(name.as_str().to_owned())
            .and_modify(|before| *before = format!("{before}{separator}{value}"))
            .or_insert_with(|| value.into_owned());
    }
    joined
}

fn query_parameters(query: &str) -> BTreeMap<String, String> {
    let mut parameters: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        parameters
            .entry(name.into_owned())
            .and_modify(|before| *before = format!("{before},{value}"))
            .or_insert_with(|| value.clone().into_owned());
    }
    parameters
}

/// Whether API Gateway hands a body of this type over as text; it encodes all others, forms included.
fn is_text(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let texts = ["application/json", "application/xml", "application/javascript"];
    kind.starts_with("text/") || texts.contains(&kind.as_str()) || kind.ends_with("+json") || kind.ends_with("+xml")
}

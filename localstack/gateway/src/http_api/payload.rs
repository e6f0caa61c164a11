//! Payload format 2.0: a request as an event, and an answer as a response.

use std::{
    borrow::Cow,
    collections::{BTreeMap, btree_map::Entry},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header, request::Parts};
use http_body_util::Full;
use hyper::body::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::routes::Match;
use template::ACCOUNT;

use crate::{ids, server::Answer, uri::decoded};

/// Headers of an answer that belong to the connection or to the gateway.
const HOP_BY_HOP: [HeaderName; 5] =
    [header::CONNECTION, header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::UPGRADE, header::DATE];

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Event<'e> {
    version: &'static str,
    route_key: &'e str,
    raw_path: &'e str,
    raw_query_string: &'e str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cookies: Option<Vec<&'e str>>,
    headers: BTreeMap<&'e str, Cow<'e, str>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    query_string_parameters: BTreeMap<String, String>,
    request_context: Context<'e>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    path_parameters: &'e BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Cow<'e, str>>,
    is_base64_encoded: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Context<'e> {
    account_id: &'static str,
    api_id: &'e str,
    domain_name: &'e str,
    domain_prefix: &'e str,
    http: Http<'e>,
    request_id: &'e str,
    route_key: &'e str,
    stage: &'static str,
    time: String,
    time_epoch: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Http<'e> {
    method: &'e str,
    path: &'e str,
    protocol: &'static str,
    source_ip: &'e str,
    user_agent: &'e str,
}

/// The event for a request.
pub(super) fn event(
    parts: &Parts,
    body: &Bytes,
    route: &Match<'_>,
    api: &str,
    source_ip: &str,
    request_id: &str,
) -> Bytes {
    let at = ids::now();
    let text = |name: HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let host = text(header::HOST);
    let (domain, port) = host.rsplit_once(':').unwrap_or((host, "80"));
    let path = decoded(parts.uri.path());
    let query = parts.uri.query().unwrap_or_default();
    let mut headers = joined(&parts.headers);
    let cookies = headers.remove("cookie");
    let user_agent = headers.get("user-agent").cloned().unwrap_or_default();
    let forwarded = headers
        .get("x-forwarded-for")
        .map_or_else(|| Cow::Borrowed(source_ip), |before| Cow::Owned(format!("{before}, {source_ip}")));
    headers.insert("x-amzn-trace-id", Cow::Owned(ids::trace()));
    headers.insert("x-forwarded-for", forwarded);
    headers.insert("x-forwarded-port", Cow::Borrowed(port));
    headers.insert("x-forwarded-proto", Cow::Borrowed("http"));
    if !body.is_empty() {
        headers.entry("content-length").or_insert_with(|| Cow::Owned(body.len().to_string()));
    }
    let as_text = std::str::from_utf8(body).ok().filter(|_| is_text(&parts.headers));
    let event = Event {
        version: "2.0",
        route_key: route.key,
        raw_path: &path,
        raw_query_string: query,
        cookies: cookies
            .as_deref()
            .map(|cookies| cookies.split(';').map(str::trim).filter(|cookie| !cookie.is_empty()).collect()),
        headers,
        query_string_parameters: query_parameters(query),
        request_context: Context {
            account_id: ACCOUNT,
            api_id: api,
            domain_name: domain,
            domain_prefix: domain.split('.').next().unwrap_or_default(),
            http: Http {
                method: parts.method.as_str(),
                path: &path,
                protocol: "HTTP/1.1",
                source_ip,
                user_agent: &user_agent,
            },
            request_id,
            route_key: route.key,
            stage: "$default",
            time: ids::log_time(at),
            time_epoch: ids::epoch_millis(at),
        },
        path_parameters: &route.parameters,
        body: (!body.is_empty()).then(|| as_text.map_or_else(|| Cow::Owned(STANDARD.encode(body)), Cow::Borrowed)),
        is_base64_encoded: !body.is_empty() && as_text.is_none(),
    };
    // Text keys and plain values always serialize.
    serde_json::to_vec(&event).unwrap_or_default().into()
}

/// What a function returns in payload format 2.0.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Returned {
    status_code: Json,
    #[serde(default)]
    headers: Option<Map<String, Json>>,
    #[serde(default)]
    cookies: Json,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: Json,
}

/// The HTTP response for a function's answer; `None` if API Gateway can't read the answer.
pub(super) fn response(answer: &Bytes) -> Option<Answer> {
    let Ok(returned) = serde_json::from_slice::<Returned>(answer) else { return bare(answer) };
    let status = returned.status_code.as_u64().or_else(|| returned.status_code.as_str()?.parse().ok())?;
    let body = match returned.body {
        Some(body) if returned.is_base64_encoded == Json::Bool(true) => Bytes::from(STANDARD.decode(body).ok()?),
        body => Bytes::from(body.unwrap_or_default()),
    };
    let is_empty = body.is_empty();
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = StatusCode::from_u16(u16::try_from(status).ok()?).ok()?;
    let headers = response.headers_mut();
    for (name, value) in returned.headers.unwrap_or_default() {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        if !HOP_BY_HOP.contains(&name) {
            headers.insert(name, HeaderValue::try_from(scalar(value)?).ok()?);
        }
    }
    for cookie in returned.cookies.as_array().into_iter().flatten() {
        headers.append(header::SET_COOKIE, HeaderValue::from_str(cookie.as_str()?).ok()?);
    }
    if !is_empty {
        headers.entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static("text/plain;charset=UTF-8"));
    }
    Some(response)
}

/// JSON without a `statusCode` is the body.
fn bare(answer: &Bytes) -> Option<Answer> {
    let value: Json = serde_json::from_slice(answer).ok()?;
    if value.get("statusCode").is_some() {
        return None;
    }
    let response = Response::builder().header(header::CONTENT_TYPE, "application/json");
    response.body(Full::new(answer.clone())).ok()
}

fn scalar(value: Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text),
        Json::Bool(_) | Json::Number(_) => Some(value.to_string()),
        _ => None,
    }
}

/// Headers in lower case, repeated ones joined with commas (cookies with semicolons).
fn joined(headers: &HeaderMap) -> BTreeMap<&str, Cow<'_, str>> {
    let mut joined: BTreeMap<&str, Cow<'_, str>> = BTreeMap::new();
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        match joined.entry(name.as_str()) {
            Entry::Vacant(entry) => {
                entry.insert(value);
            }
            Entry::Occupied(mut entry) => {
                let before = entry.get_mut().to_mut();
                before.push_str(if *name == header::COOKIE { "; " } else { "," });
                before.push_str(&value);
            }
        }
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

/// Whether API Gateway passes a body of this type as text; it encodes all others, forms included.
fn is_text(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let texts = ["application/json", "application/xml", "application/javascript"];
    kind.starts_with("text/") || texts.contains(&kind.as_str()) || kind.ends_with("+json") || kind.ends_with("+xml")
}

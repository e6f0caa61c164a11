//! The WebSocket API.

mod connection;
mod event;
mod management;

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header, request::Parts};
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Value as Json, json};
use template::{Template, WebSocketApi, WebSocketRoute};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message,
        handshake::derive_accept_key,
        protocol::{Role, WebSocketConfig},
    },
};

use crate::{
    config::Limits,
    faults::{AnswerFate, EventFate, Faults},
    iam::Iam,
    ids,
    lambda::{InvokeError, Lambda},
    server::{Answer, Reset, Respond, Shutdown, ShutdownSignal, Whole, message},
    traffic::Meter,
    uri::decoded,
};
use connection::{Connection, Connections, Peer, serve};
use event::Origin;
use management::Management;

/// Bytes that a connection reads at once. Its buffer is as large, and is zeroed before each read, so that more would cost an idle
/// connection memory and a busy one time.
const READ_BUFFER: usize = 4 * 1024;

/// A route and the function behind it.
#[derive(Clone, Debug)]
struct Target {
    function: String,
    answers: bool,
    /// How long the API waits for the function.
    timeout: Duration,
}

/// Why a connection is refused.
enum Refusal {
    Answer(StatusCode, String),
    Reset,
}

impl Refusal {
    /// A refusal of API Gateway itself.
    fn own(status: StatusCode) -> Self {
        Self::Answer(status, json!({"message": "Internal server error"}).to_string())
    }
}

/// What a function returns for a frame.
#[derive(Deserialize)]
struct Returned {
    #[serde(rename = "statusCode")]
    _status: IgnoredAny,
    #[serde(default)]
    body: Json,
}

/// Answers the WebSocket API's requests, `@connections` included. Clones share the same connections.
#[derive(Clone)]
pub(crate) struct WebSocketDoor {
    api: Arc<WebSocketApi>,
    routes: Arc<BTreeMap<String, Target>>,
    connections: Arc<Connections>,
    lambda: Arc<Lambda>,
    iam: Arc<Iam>,
    faults: Faults,
    limits: Limits,
    shutdown: ShutdownSignal,
    meter: Arc<Meter>,
}

impl WebSocketDoor {
    /// `None` if the template has no WebSocket API.
    pub(crate) fn new(
        template: &Template,
        lambda: Arc<Lambda>,
        iam: Arc<Iam>,
        faults: Faults,
        limits: Limits,
        shutdown: &Shutdown,
        meter: &Arc<Meter>,
    ) -> Option<Self> {
        let api = Arc::new(template.websocket.clone()?);
        let target = |name: &str, route: &WebSocketRoute| {
            let timeout = route.timeout.unwrap_or(limits.ws_timeout);
            (route.key.clone(), Target { function: name.to_owned(), answers: route.answers, timeout })
        };
        let functions = template.functions.iter();
        let routes = functions.flat_map(|it| it.websocket_routes.iter().map(move |route| target(&it.name, route)));
        let routes = Arc::new(routes.collect());
        let (connections, shutdown, meter) = (Arc::default(), shutdown.signal(), Arc::clone(meter));
        Some(Self { api, routes, connections, lambda, iam, faults, limits, shutdown, meter })
    }

    /// Waits until every connection has ended.
    pub(crate) async fn closed_within(&self, limit: Duration) {
        let closed = async {
            while !self.connections.is_empty() {
                sleep(Duration::from_millis(5)).await;
            }
        };
        // Connections that are still open then end with the process.
        let _ = timeout(limit, closed).await;
    }

    async fn connect(&self, mut request: Request<Incoming>, peer: SocketAddr) -> Result<Answer, Reset> {
        let upgrade = hyper::upgrade::on(&mut request);
        let (parts, _) = request.into_parts();
        let Some(key) = upgrade_key(&parts) else {
            return Ok(message(StatusCode::UPGRADE_REQUIRED, "Upgrade Required"));
        };
        let text = |name: HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let host = text(header::HOST).unwrap_or_default();
        let (domain, port) = host.rsplit_once(':').unwrap_or((host, "80"));
        let origin = Origin {
            connection_id: ids::short(),
            connected_at: ids::epoch_millis(ids::now()),
            domain: domain.to_owned(),
            stage: self.api.stage.clone(),
            api: self.api.logical_id.clone(),
            peer: Peer { source_ip: peer.ip().to_string(), user_agent: text(header::USER_AGENT).map(str::to_owned) },
        };
        let event = origin.connect(&parts, port.parse().unwrap_or(80));
        let protocol = match self.admit(&parts.headers, event).await {
            Ok(protocol) => protocol,
            Err(Refusal::Answer(status, body)) => return Ok(refused(status, body)),
            Err(Refusal::Reset) => return Err(Reset),
        };
        let accepted = accepted(key, protocol);
        let (buffer, meter) = (self.limits.ws_buffer, Arc::clone(&self.meter));
        let (connection, queue) = Connection::new(origin.connected_at, origin.peer.clone(), buffer, meter);
        self.connections.insert(origin.connection_id.clone(), Arc::clone(&connection));
        let door = self.clone();
        tokio::spawn(async move {
            let end = match upgrade.await {
                Ok(upgraded) => {
                    let config = WebSocketConfig::default()
                        .read_buffer_size(READ_BUFFER)
                        .max_frame_size(Some(door.limits.ws_frame))
                        .max_message_size(Some(door.limits.ws_message));
                    let socket =
                        WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await;
                    let receive = |text: &str| door.receive(&origin, &connection, text);
                    serve(socket, &connection, queue, &door.limits, door.shutdown.clone(), receive).await
                }
                Err(_) => connection::End { code: 1006, reason: String::new() },
            };
            door.connections.remove(&origin.connection_id);
            door.disconnected(&origin, &end).await;
        });
        Ok(accepted)
    }

    /// Invokes the function of `$connect`, if there is one, and returns the subprotocol that it chose.
    async fn admit(&self, request: &HeaderMap, event: Bytes) -> Result<Option<HeaderValue>, Refusal> {
        let Some(target) = self.routes.get("$connect") else { return Ok(None) };
        let EventFate::Deliver { after, .. } = self.faults.event(&target.function) else {
            return Err(Refusal::own(StatusCode::INTERNAL_SERVER_ERROR));
        };
        let invocation = self.lambda.invoke_after(after, &target.function, event);
        let result = timeout(target.timeout, invocation).await;
        let answer = match (self.faults.answer(&target.function), result) {
            (AnswerFate::Lose, _) => return Err(Refusal::Reset),
            (AnswerFate::Deliver, Ok(Ok(answer))) => answer,
            (AnswerFate::Deliver, Ok(Err(InvokeError::Throttled))) => {
                return Err(Refusal::own(StatusCode::INTERNAL_SERVER_ERROR));
            }
            (AnswerFate::Deliver, Err(_)) => return Err(Refusal::own(StatusCode::GATEWAY_TIMEOUT)),
            (AnswerFate::Fail, _) | (AnswerFate::Deliver, Ok(Err(_))) => {
                return Err(Refusal::own(StatusCode::BAD_GATEWAY));
            }
        };
        let answer: Json = serde_json::from_slice(&answer).unwrap_or_default();
        let status = answer.get("statusCode").and_then(Json::as_u64).and_then(|status| u16::try_from(status).ok());
        let status = status.and_then(|status| StatusCode::from_u16(status).ok());
        let status = status.ok_or(Refusal::own(StatusCode::BAD_GATEWAY))?;
        if !status.is_success() {
            let body = answer.get("body").and_then(Json::as_str).unwrap_or_default();
            return Err(Refusal::Answer(status, body.to_owned()));
        }
        let mut headers = answer.get("headers").and_then(Json::as_object).into_iter().flatten();
        let chosen = headers.find(|(name, _)| name.eq_ignore_ascii_case(header::SEC_WEBSOCKET_PROTOCOL.as_str()));
        let offered = request.contains_key(header::SEC_WEBSOCKET_PROTOCOL);
        Ok(chosen.filter(|_| offered).and_then(|(_, value)| HeaderValue::from_str(value.as_str()?).ok()))
    }

    /// Invokes the function of a frame, without waiting for earlier frames.
    fn receive(&self, origin: &Origin, connection: &Arc<Connection>, text: &str) {
        let request_id = ids::short();
        let error = |text: &str| gateway_error(text, &origin.connection_id, &request_id);
        let Some((key, target)) = self.route(text) else {
            // A client that is gone needs no answer.
            let _ = connection.send(error("Forbidden"));
            return;
        };
        let EventFate::Deliver { after, copies } = self.faults.event(&target.function) else { return };
        let event = origin.message(key, text, &request_id);
        for _ in 0..copies {
            let (door, target, connection, event) =
                (self.clone(), target.clone(), Arc::clone(connection), event.clone());
            let failure = error("Internal server error");
            tokio::spawn(async move {
                let invocation = door.lambda.invoke_after(after, &target.function, event);
                let result = timeout(target.timeout, invocation).await;
                let answer = match door.faults.answer(&target.function) {
                    AnswerFate::Deliver => door.frame(&target, result.ok(), failure),
                    AnswerFate::Lose => None,
                    AnswerFate::Fail => Some(failure),
                };
                if let Some(answer) = answer {
                    // A client that is gone needs no answer.
                    let _ = connection.send(answer);
                }
            });
        }
    }

    /// The route that a frame selects, or else `$default`.
    fn route(&self, text: &str) -> Option<(&str, &Target)> {
        let body: Option<Json> = serde_json::from_str(text).ok();
        let selected =
            body.as_ref().and_then(|body| self.api.selection.iter().try_fold(body, |value, field| value.get(field)));
        let selected = selected.and_then(Json::as_str).filter(|key| !key.starts_with('$'));
        let route = selected.and_then(|key| self.routes.get_key_value(key));
        let (key, target) = route.or_else(|| self.routes.get_key_value("$default"))?;
        Some((key, target))
    }

    /// The frame that answers a frame, if any.
    fn frame(&self, target: &Target, result: Option<Result<Bytes, InvokeError>>, failure: Message) -> Option<Message> {
        let Some(Ok(answer)) = result else { return Some(failure) };
        if !target.answers {
            return None;
        }
        match serde_json::from_slice::<Returned>(&answer) {
            Err(_) => Some(failure),
            Ok(Returned { body: Json::String(body), .. }) if !body.is_empty() => {
                Some(if body.len() > self.limits.ws_message { failure } else { Message::text(body) })
            }
            Ok(_) => None,
        }
    }

    async fn disconnected(&self, origin: &Origin, end: &connection::End) {
        let Some(target) = self.routes.get("$disconnect") else { return };
        if self.shutdown.begun() || self.faults.loses_disconnect(&target.function) {
            return;
        }
        let EventFate::Deliver { after, .. } = self.faults.event(&target.function) else { return };
        let event = origin.disconnect(end.code, &end.reason);
        // Best effort: a failure is in the function's log.
        let _ = self.lambda.invoke_after(after, &target.function, event).await;
    }
}

impl Respond for WebSocketDoor {
    type Body = Whole;

    async fn respond(self: Arc<Self>, request: Request<Incoming>, peer: SocketAddr) -> Result<Answer, Reset> {
        let uri = request.uri().clone();
        let within = uri.path().strip_prefix('/').and_then(|path| path.strip_prefix(self.api.stage.as_str()));
        match within {
            // A task of its own, so that `$disconnect` follows if the client leaves during `$connect`.
            Some("" | "/") => {
                let connecting = tokio::spawn(async move { self.connect(request, peer).await });
                connecting.await.unwrap_or(Err(Reset))
            }
            Some(rest) => match rest.strip_prefix("/@connections/").or_else(|| rest.strip_prefix("/%40connections/")) {
                Some(id) => {
                    let api = Management {
                        stage: &self.api,
                        connections: &self.connections,
                        iam: &self.iam,
                        faults: &self.faults,
                        limit: self.limits.ws_message,
                    };
                    management::answer(api, request, &decoded(id)).await
                }
                None => Ok(message(StatusCode::FORBIDDEN, "Forbidden")),
            },
            None => Ok(message(StatusCode::FORBIDDEN, "Forbidden")),
        }
    }
}

/// The client's key, if this is a request for an upgrade to WebSocket.
fn upgrade_key(parts: &Parts) -> Option<&str> {
    let has = |name: HeaderName, wanted: &str| {
        let value = parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        value.split(',').any(|token| token.trim().eq_ignore_ascii_case(wanted))
    };
    let asked = has(header::CONNECTION, "upgrade")
        && has(header::UPGRADE, "websocket")
        && has(header::SEC_WEBSOCKET_VERSION, "13");
    parts.headers.get(header::SEC_WEBSOCKET_KEY).filter(|_| asked)?.to_str().ok()
}

/// The upgrade to WebSocket.
fn accepted(key: &str, protocol: Option<HeaderValue>) -> Answer {
    let mut answer = Response::default();
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = answer.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.extend(protocol.map(|protocol| (header::SEC_WEBSOCKET_PROTOCOL, protocol)));
    if let Ok(key) = HeaderValue::from_str(&derive_accept_key(key.as_bytes())) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, key);
    }
    answer
}

fn refused(status: StatusCode, body: String) -> Answer {
    let mut answer = Response::new(Bytes::from(body).into());
    *answer.status_mut() = status;
    answer
}

/// An error frame of API Gateway itself.
fn gateway_error(text: &str, connection_id: &str, request_id: &str) -> Message {
    Message::text(json!({"message": text, "connectionId": connection_id, "requestId": request_id}).to_string())
}

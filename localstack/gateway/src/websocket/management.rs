//! `@connections`: posting to connections, asking about them, closing them.

use std::{sync::Arc, time::Duration};

use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use serde_json::json;
use tokio::time::sleep;
use tokio_tungstenite::tungstenite::Message;

use super::connection::{Connection, Connections, Outgoing, Refused};
use crate::{
    faults::{Faults, PushFate},
    ids,
    server::{Answer, Reset, json as json_answer, message},
};

const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");

/// The parts of the WebSocket API that `@connections` reaches.
#[derive(Clone, Copy)]
pub(super) struct Management<'a> {
    pub(super) connections: &'a Connections,
    pub(super) faults: &'a Faults,
    /// The largest post, in bytes.
    pub(super) limit: usize,
}

pub(super) async fn answer(api: Management<'_>, request: Request<Incoming>, id: &str) -> Result<Answer, Reset> {
    let signature = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let presigned = request.uri().query().is_some_and(|query| query.contains("X-Amz-Signature="));
    if !presigned && !signature.is_some_and(|value| value.starts_with("AWS4-")) {
        return Ok(refusal(StatusCode::FORBIDDEN, "ForbiddenException", "Missing Authentication Token"));
    }
    match *request.method() {
        Method::POST => post(api, request, id).await,
        Method::GET => Ok(api.connections.find(id).map_or_else(gone, |connection| {
            let body = json!({
                "connectedAt": ids::iso_time(connection.connected_at),
                "identity": connection.peer.identity(),
                "lastActiveAt": ids::iso_time(connection.last_active()),
            });
            json_answer(StatusCode::OK, &body)
        })),
        Method::DELETE => Ok(api.connections.find(id).map_or_else(gone, |connection| {
            match connection.queue(Outgoing::Close { code: 1000, reason: "Connection Closed Normally" }) {
                Ok(()) => {
                    api.connections.remove(id);
                    empty(StatusCode::NO_CONTENT)
                }
                Err(refused) => refused_answer(&refused),
            }
        })),
        _ => Ok(message(StatusCode::FORBIDDEN, "Missing Authentication Token")),
    }
}

async fn post(api: Management<'_>, request: Request<Incoming>, id: &str) -> Result<Answer, Reset> {
    let data = match Limited::new(request.into_body(), api.limit).collect().await {
        Ok(data) => data.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            return Ok(refusal(StatusCode::PAYLOAD_TOO_LARGE, "PayloadTooLargeException", "Message too long"));
        }
        Err(_) => return Err(Reset),
    };
    let Some(connection) = api.connections.find(id) else { return Ok(gone()) };
    Ok(match api.faults.push(id) {
        PushFate::Gone => gone(),
        PushFate::Limited => refused_answer(&Refused::BufferFull),
        PushFate::Drop => empty(StatusCode::OK),
        PushFate::Send { after, copies, behind_next } => {
            let messages = vec![as_message(data); copies];
            if behind_next {
                hold(&connection, messages);
                empty(StatusCode::OK)
            } else if after.is_zero() {
                let sent = messages.into_iter().try_for_each(|message| connection.send(message));
                sent.map_or_else(|refused| refused_answer(&refused), |()| empty(StatusCode::OK))
            } else {
                tokio::spawn(async move {
                    sleep(after).await;
                    // The connection may be gone by then, as after any late push.
                    let _ = messages.into_iter().try_for_each(|message| connection.send(message));
                });
                empty(StatusCode::OK)
            }
        }
    })
}

fn hold(connection: &Arc<Connection>, messages: Vec<Message>) {
    for message in messages {
        connection.hold(message);
    }
    let connection = Arc::clone(connection);
    tokio::spawn(async move {
        sleep(Duration::from_secs(1)).await;
        connection.release();
    });
}

fn as_message(data: Bytes) -> Message {
    match String::from_utf8(data.into()) {
        Ok(text) => Message::text(text),
        Err(error) => Message::binary(error.into_bytes()),
    }
}

fn empty(status: StatusCode) -> Answer {
    let mut answer = Response::default();
    *answer.status_mut() = status;
    answer
}

fn refused_answer(refused: &Refused) -> Answer {
    match refused {
        Refused::Gone => gone(),
        Refused::BufferFull => refusal(StatusCode::TOO_MANY_REQUESTS, "LimitExceededException", "Rate exceeded"),
    }
}

fn gone() -> Answer {
    refusal(StatusCode::GONE, "GoneException", "Gone")
}

fn refusal(status: StatusCode, kind: &'static str, text: &str) -> Answer {
    let mut answer = message(status, text);
    answer.headers_mut().insert(ERROR_TYPE, HeaderValue::from_static(kind));
    answer
}

//! `@connections`: posting to connections, asking about them, closing them.

use std::{sync::Arc, time::Duration};

use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, request::Parts};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use serde_json::json;
use template::{ACCOUNT, REGION, WebSocketApi};
use tokio::time::sleep;
use tokio_tungstenite::tungstenite::Message;

use super::connection::{Connection, Connections, Outgoing, Refused};
use crate::{
    faults::{Faults, PushFate},
    iam::{Denied, Iam},
    ids,
    server::{Answer, Reset, json as json_answer, message},
};

const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");

/// The parts of the WebSocket API that `@connections` reaches.
#[derive(Clone, Copy)]
pub(super) struct Management<'a> {
    pub(super) stage: &'a WebSocketApi,
    pub(super) connections: &'a Connections,
    pub(super) iam: &'a Iam,
    pub(super) faults: &'a Faults,
    /// The largest post, in bytes.
    pub(super) limit: usize,
}

pub(super) async fn answer(api: Management<'_>, request: Request<Incoming>, id: &str) -> Result<Answer, Reset> {
    let (parts, body) = request.into_parts();
    let body = match Limited::new(body, api.limit).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            return Ok(refusal(StatusCode::PAYLOAD_TOO_LARGE, "PayloadTooLargeException", "Message too long"));
        }
        Err(_) => return Err(Reset),
    };
    if let Err(Denied { kind, message }) = admit(api, &parts, &body, id) {
        return Ok(refusal(StatusCode::FORBIDDEN, kind, &message));
    }
    Ok(match parts.method {
        Method::POST => post(api, body, id),
        Method::GET => api.connections.find(id).map_or_else(gone, |connection| {
            let body = json!({
                "connectedAt": ids::iso_time(connection.connected_at),
                "identity": connection.peer.identity(),
                "lastActiveAt": ids::iso_time(connection.last_active()),
            });
            json_answer(StatusCode::OK, &body)
        }),
        Method::DELETE => api.connections.find(id).map_or_else(gone, |connection| {
            match connection.queue(Outgoing::Close { code: 1000, reason: "Connection Closed Normally" }) {
                Ok(()) => {
                    api.connections.remove(id);
                    empty(StatusCode::NO_CONTENT)
                }
                Err(refused) => refused_answer(&refused),
            }
        }),
        _ => message(StatusCode::FORBIDDEN, "Missing Authentication Token"),
    })
}

/// Refuses requests whose signature is wrong or whose caller lacks the permission.
fn admit(api: Management<'_>, request: &Parts, body: &[u8], id: &str) -> Result<(), Denied> {
    let caller = api.iam.caller(request, body, "execute-api")?;
    let WebSocketApi { logical_id, stage, .. } = api.stage;
    let resource =
        format!("arn:aws:execute-api:{REGION}:{ACCOUNT}:{logical_id}/{stage}/{}/@connections/{id}", request.method);
    caller.must_be_allowed("execute-api:ManageConnections", &resource)
}

fn post(api: Management<'_>, data: Bytes, id: &str) -> Answer {
    let Some(connection) = api.connections.find(id) else { return gone() };
    match api.faults.push(id) {
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
    }
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

#![doc = include_str!("../README.md")]

mod delete;
mod document;
mod edit;
mod hello;
mod read;
mod request;
mod send;
mod sync;

pub use document::asyncapi;

use aws_lambda_events::apigw::ApiGatewayWebsocketProxyRequest;
use domain::{Clock, Code, ConnectionId, Fault, Limit, Random};
use messaging::Messenger;
use mongo::{Connection, Mongo, Touched};
use realtime::{ErrorBody, Frame, FramePayload, INLINE_TIME, ManagementApi, hang_up};
use request::{Action, Request};
use serde::Serialize;
use std::time::Duration;
use tracing::{Instrument as _, error, info, info_span};

/// The WebSocket routes that lead here.
pub const ROUTES: &[&str] = &["hello", "send", "edit", "delete", "read", "sync", "ping", "$default"];

/// Below the function's own limit, after which the client would learn nothing.
const DEADLINE: Duration = Duration::from_secs(9);

/// How many frames a connection may send after it was told to wait, before it is closed.
const FLOOD: f64 = 30.0;

/// What the handlers work with.
#[derive(Debug, Clone)]
pub struct App {
    /// The record of messages and connections.
    pub mongo: Mongo,
    /// Reaches other connections.
    pub pusher: ManagementApi,
    /// How many messages a person may send.
    pub send_limit: Limit,
    /// How many frames a connection may send.
    pub frame_limit: Limit,
    /// The time.
    pub clock: Clock,
    /// Spreads reconnections.
    pub random: Random,
}

impl App {
    fn messenger(&self) -> Messenger<'_> {
        Messenger { mongo: &self.mongo, clock: self.clock, send_limit: self.send_limit }
    }
}

/// What API Gateway sends to the client: `body`, through the route response.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// Always 200: anything else would become API Gateway's own error frame.
    pub status_code: u16,
    /// A frame as JSON text.
    pub body: String,
}

/// Answers a frame.
///
/// One round trip notes that the connection lives and tells whose it is; the action's own come after it.
pub async fn handle(app: &App, event: &ApiGatewayWebsocketProxyRequest) -> Result<Answer, Fault> {
    let context = &event.request_context;
    let request_id = context.request_id.as_deref().unwrap_or("unknown");
    let id = context.connection_id.as_deref().ok_or_else(|| Fault::internal("the event has no connection id"))?;
    let span = info_span!("frame", request.id = request_id, connection.id = id);
    answer(app, &ConnectionId(id.to_owned()), event.body.as_deref().unwrap_or_default(), request_id)
        .instrument(span)
        .await
}

async fn answer(app: &App, id: &ConnectionId, text: &str, request_id: &str) -> Result<Answer, Fault> {
    let request = Request::parse(text);
    let re = request.as_ref().ok().and_then(|request| request.id.clone());
    let language = request.as_ref().ok().and_then(Request::language);
    let mut locale = language.unwrap_or_default();
    let mut is_over = false;
    let work = async {
        let touched = app.mongo.touch_connection(id, language, app.clock.now(), app.frame_limit).await?;
        let Some(Touched { connection, tokens }) = touched else {
            is_over = true;
            return Err(Code::ConnectionUnknown.into());
        };
        locale = connection.locale;
        admit(tokens, app.frame_limit).inspect_err(|_| is_over = tokens < -FLOOD)?;
        act(app, &connection, request?).await
    };
    let outcome = tokio::time::timeout(DEADLINE, work).await.unwrap_or_else(|late| Err(Fault::unavailable(late)));
    let payload = outcome.unwrap_or_else(|fault| {
        if let Some(cause) = &fault.source {
            error!(code = fault.code.as_str(), %cause, "A frame failed");
        } else {
            info!(code = fault.code.as_str(), "Refused a frame");
        }
        FramePayload::Error(ErrorBody { fatal: is_over, ..ErrorBody::of(&fault, locale, request_id) })
    });
    let body = Frame { re: re.as_deref(), room: None, rev: None, payload }.to_text()?;
    if is_over {
        // First the row, so that nothing is pushed any more. The answer would come after the end of the connection.
        app.mongo.remove_connection(id).await?;
        hang_up(&app.pusher, &[(id, body.clone())], INLINE_TIME).await;
    }
    Ok(Answer { status_code: 200, body })
}

/// A bucket in debt says how long it takes until the next frame finds a token.
fn admit(tokens: f64, limit: Limit) -> Result<(), Fault> {
    if tokens >= 0.0 {
        return Ok(());
    }
    Err(Fault::rate_limited(limit.pause().mul_f64(1.0 - tokens)))
}

async fn act(app: &App, connection: &Connection, request: Request) -> Result<FramePayload, Fault> {
    match request.action {
        Action::Hello => hello::hello(app, connection, request.details()?).await,
        Action::Send => send::send(app, connection, request.details()?).await,
        Action::Edit => edit::edit(app, connection, request.details()?).await,
        Action::Delete => delete::delete(app, connection, request.details()?).await,
        Action::Read => read::read(app, connection, request.details()?).await,
        Action::Sync => sync::sync(app, connection, request.details()?).await,
        Action::Ping => Ok(FramePayload::Pong),
        Action::Unknown => Err(Code::UnknownAction.into()),
    }
}

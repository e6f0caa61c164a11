#![doc = include_str!("../README.md")]

mod document;
mod edit;
mod hello;
mod request;
mod send;
mod sync;

pub use document::asyncapi;

use aws_lambda_events::apigw::ApiGatewayWebsocketProxyRequest;
use domain::{Clock, Code, ConnectionId, Fault, Random};
use messaging::Messenger;
use mongo::{Connection, Mongo};
use realtime::{ErrorBody, Frame, FramePayload, ManagementApi};
use request::{Action, Request};
use serde::Serialize;
use std::time::Duration;
use tracing::{Instrument as _, error, info, info_span};

/// The WebSocket routes that lead here.
pub const ROUTES: &[&str] = &["hello", "send", "edit", "sync", "ping", "$default"];

/// Below the function's own limit, after which the client would learn nothing.
const DEADLINE: Duration = Duration::from_secs(9);

/// What the handlers work with.
#[derive(Debug, Clone)]
pub struct App {
    /// The record of messages and connections.
    pub mongo: Mongo,
    /// Reaches other connections.
    pub pusher: ManagementApi,
    /// The time.
    pub clock: Clock,
    /// Spreads reconnections.
    pub random: Random,
}

impl App {
    fn messenger(&self) -> Messenger<'_> {
        Messenger { mongo: &self.mongo, clock: self.clock }
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
    let work = async {
        let connection = app.mongo.touch_connection(id, language, app.clock.now()).await?;
        let connection = connection.ok_or(Code::ConnectionUnknown)?;
        locale = connection.locale;
        act(app, &connection, request?).await
    };
    let outcome = tokio::time::timeout(DEADLINE, work).await.unwrap_or_else(|late| Err(Fault::unavailable(late)));
    let payload = outcome.unwrap_or_else(|fault| {
        if let Some(cause) = &fault.source {
            error!(code = fault.code.as_str(), %cause, "A frame failed");
        } else {
            info!(code = fault.code.as_str(), "Refused a frame");
        }
        FramePayload::Error(ErrorBody::of(&fault, locale, request_id))
    });
    let body = Frame { re: re.as_deref(), room: None, rev: None, payload }.to_text()?;
    Ok(Answer { status_code: 200, body })
}

async fn act(app: &App, connection: &Connection, request: Request) -> Result<FramePayload, Fault> {
    match request.action {
        Action::Hello => hello::hello(app, connection, request.details()?).await,
        Action::Send => send::send(app, connection, request.details()?).await,
        Action::Edit => edit::edit(app, connection, request.details()?).await,
        Action::Sync => sync::sync(app, connection, request.details()?).await,
        Action::Ping => Ok(FramePayload::Pong),
        Action::Unknown => Err(Code::UnknownAction.into()),
    }
}

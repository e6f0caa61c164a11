#![doc = include_str!("../README.md")]

mod delete;
mod edit;
mod hello;
mod read;
mod send;
mod sync;

use announce::Announcer;
use background::Background;
use boot::{BoxError, Limits, warm_up};
use contract::{ClientFrame, ClientRequest, ErrorBody, Frame, FramePayload};
use domain::{Code, Fault, Limit, Random};
use messaging::{Author, MessageLimits, Messenger};
use mongo::{Connection, Mongo, Touched};
use realtime::ManagementApi;
use socket::{Answer, Event};
use std::sync::Arc;

/// The WebSocket routes that lead here.
pub const ROUTES: &[&str] = &["hello", "send", "edit", "delete", "read", "sync", "ping", "$default"];

/// How many frames a connection may send after it was told to wait, before it is closed.
const FLOOD: f64 = 30.0;

/// What the handlers work with.
#[derive(Debug, Clone)]
pub struct App {
    /// Sends, changes and reads messages.
    pub messenger: Messenger,
    /// How often something may be done.
    pub limits: Limits,
    /// Spreads reconnections.
    pub random: Random,
}

impl App {
    /// Reads the settings and connects.
    pub async fn connect(background: Background) -> Result<Self, BoxError> {
        let (mongo_url, connections_url, aws, limits) = boot::read(|settings| {
            (settings.mongo_url(), settings.connections_url(), settings.aws(), settings.limits())
        })
        .await?;
        let (mongo, clock) = (Mongo::connect(&mongo_url).await?, boot::clock());
        let pusher = Arc::new(ManagementApi::new(&connections_url, &aws));
        let announcer = Announcer::new(mongo.clone(), pusher, clock, background);
        tokio::join!(warm_up("open connections to MongoDB", mongo.warm_up()), announcer.warm_up());
        Ok(Self { messenger: Messenger { mongo, announcer, clock }, limits, random: boot::random() })
    }

    fn author<'a>(&self, connection: &'a Connection) -> Author<'a> {
        let limits = MessageLimits { sends: self.limits.sends, retries: self.limits.retries };
        Author { user: connection.user, session: &connection.session, connection: Some(&connection.id), limits }
    }
}

/// Answers a frame with one, also where it is refused.
pub async fn handle(app: &App, event: Event) -> Result<Answer, Fault> {
    let id = event.connection();
    let ClientRequest { id: re, language, frame } = ClientRequest::parse(event.text());
    let mut locale = language.unwrap_or_default();
    let mut is_over = false;
    let Messenger { mongo, announcer, clock } = &app.messenger;
    let work = async {
        let touched = mongo.connections().touch(id, language, clock.now(), app.limits.frames).await?;
        let Some(Touched { connection, tokens }) = touched else {
            is_over = true;
            return Err(Code::ConnectionUnknown.into());
        };
        locale = connection.locale;
        admit(tokens, app.limits.frames).inspect_err(|_| is_over = tokens < -FLOOD)?;
        Box::pin(act(app, &connection, frame?)).await
    };
    let payload = event.attempt("answer a frame", work).await.unwrap_or_else(|fault| {
        FramePayload::Error(ErrorBody { fatal: is_over, ..ErrorBody::of(&fault, locale, event.request_id()) })
    });
    let body = Frame { re: re.as_deref(), room: None, rev: None, payload }.to_text()?;
    if is_over {
        // The answer would come after the end of the connection.
        announcer.hang_up(id, body.clone()).await;
    }
    Ok(Answer::frame(body))
}

/// A bucket in debt says how long it takes until the next frame finds a token.
fn admit(tokens: f64, limit: Limit) -> Result<(), Fault> {
    if tokens >= 0.0 {
        return Ok(());
    }
    Err(Fault::rate_limited(limit.pause().mul_f64(1.0 - tokens)))
}

async fn act(app: &App, connection: &Connection, frame: ClientFrame) -> Result<FramePayload, Fault> {
    match frame {
        ClientFrame::Hello(hello) => hello::hello(app, connection, hello).await,
        ClientFrame::Send(send) => send::send(app, connection, send).await,
        ClientFrame::Edit(edit) => edit::edit(app, connection, edit).await,
        ClientFrame::Delete(delete) => delete::delete(app, connection, delete).await,
        ClientFrame::Read(read) => read::read(app, connection, read).await,
        ClientFrame::Sync(sync) => sync::sync(app, connection, sync).await,
        ClientFrame::Ping => Ok(FramePayload::Pong),
    }
}

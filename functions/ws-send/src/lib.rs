#![doc = include_str!("../README.md")]

mod delete;
mod edit;
mod hello;
mod ping;
mod react;
mod read;
mod send;
mod sync;

use announce::Announcer;
use background::Background;
use boot::{BoxError, Limits, warm_up};
use contract::{ClientFrame, ClientRequest, ErrorBody, Frame, FramePayload};
use credentials::Fingerprints;
use domain::{Code, Fault, Random};
use messaging::{Author, MessageLimits, Messenger};
use mongo::{Arrival, Connection, Mongo};
use realtime::ManagementApi;
use socket::{Answer, Event};
use std::sync::Arc;

/// The WebSocket routes that lead here.
pub const ROUTES: &[&str] = &["hello", "send", "edit", "delete", "react", "read", "sync", "ping", "$default"];

/// How many frames a connection may send after it was told to wait, before it is closed.
const FLOOD: f64 = 30.0;

/// What the handlers work with.
#[derive(Debug, Clone)]
pub struct App {
    /// Sends, changes and reads messages.
    pub messenger: Messenger,
    /// Tells retries from other messages.
    pub fingerprints: Fingerprints,
    /// How often something may be done.
    pub limits: Limits,
    /// Spreads reconnections.
    pub random: Random,
}

impl App {
    /// Reads the settings and connects.
    pub async fn connect(background: Background) -> Result<Self, BoxError> {
        let (mongo_url, (connections_url, inline), aws, (key, previous_key), limits) = boot::read(|settings| {
            let (mongo_url, connections) = (settings.mongo_url(), settings.connections());
            (mongo_url, connections, settings.aws(), settings.secret_keys(), settings.limits())
        })
        .await?;
        let (mongo, clock) = (Mongo::connect(&mongo_url).await?, boot::clock());
        let pusher = Arc::new(ManagementApi::new(&connections_url, &aws));
        let announcer = Announcer::new(mongo.clone(), pusher, clock, background).with_inline_connections(inline);
        tokio::join!(warm_up("open connections to MongoDB", mongo.warm_up()), announcer.warm_up());
        let fingerprints = Fingerprints::new(&key, previous_key.as_deref());
        let messenger = Messenger { mongo, announcer, clock };
        Ok(Self { messenger, fingerprints, limits, random: boot::random() })
    }

    fn author<'a>(&'a self, connection: &'a Connection) -> Author<'a> {
        let Limits { sends, retries, changes, .. } = self.limits;
        let limits = MessageLimits { sends, retries, changes };
        let (session, fingerprints) = (&connection.session, &self.fingerprints);
        Author { user: connection.user, session, connection: Some(&connection.id), limits, fingerprints }
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
        let arrival = Arrival { connection: id, locale: language, cost: cost(&frame), at: clock.now() };
        let Some(touched) = mongo.connections().touch(arrival, app.limits.frames).await? else {
            is_over = true;
            return Err(Code::ConnectionUnknown.into());
        };
        locale = touched.connection.locale;
        if let Some(wait) = touched.wait {
            is_over = touched.tokens < -FLOOD;
            return Err(Fault::rate_limited(wait));
        }
        Box::pin(act(app, &touched.connection, frame?)).await
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

/// How many tokens of its person's bucket a frame takes: more where the answer looks at many documents.
fn cost(frame: &Result<ClientFrame, Fault>) -> u32 {
    match frame {
        Ok(ClientFrame::Hello(_)) => 5,
        Ok(ClientFrame::Sync(_)) => 2,
        Ok(ClientFrame::Ping(ping)) if !ping.cursors.is_empty() => 2,
        _ => 1,
    }
}

async fn act(app: &App, connection: &Connection, frame: ClientFrame) -> Result<FramePayload, Fault> {
    match frame {
        ClientFrame::Hello(hello) => hello::hello(app, connection, hello).await,
        ClientFrame::Send(send) => send::send(app, connection, send).await,
        ClientFrame::Edit(edit) => edit::edit(app, connection, edit).await,
        ClientFrame::Delete(delete) => delete::delete(app, connection, delete).await,
        ClientFrame::React(react) => react::react(app, connection, react).await,
        ClientFrame::Read(read) => read::read(app, connection, read).await,
        ClientFrame::Sync(sync) => sync::sync(app, connection, sync).await,
        ClientFrame::Ping(ping) => ping::ping(app, connection, ping).await,
    }
}

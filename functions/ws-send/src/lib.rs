#![doc = include_str!("../README.md")]

mod delete;
mod delivered;
mod edit;
mod hello;
mod ping;
mod react;
mod read;
mod send;
mod state;
mod sync;
mod typing;

use announce::Announcer;
use background::Background;
use boot::{BoxError, Limits, warm_up};
use contract::{Ack, ClientFrame, ClientRequest, Done, ErrorBody, Frame, FramePayload};
use credentials::Fingerprints;
use domain::{Code, Fault, Random};
use messaging::{Author, MessageLimits, Messenger};
use mongo::{Arrival, Connection, Effect, Mongo, Touched};
use queue::Sqs;
use realtime::ManagementApi;
use socket::{Answer, Event};
use std::sync::Arc;

/// The WebSocket routes that lead here.
pub const ROUTES: &[&str] =
    &["hello", "send", "edit", "delete", "react", "read", "delivered", "typing", "state", "sync", "ping", "$default"];

/// Those without a route response, as answers cost as much as frames: what is told at all is pushed.
pub const ONE_WAY: &[&str] = &["read", "delivered", "typing", "state", "ping"];

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
    /// Whether anybody is told who types.
    pub typing: bool,
}

impl App {
    /// Reads the settings and connects.
    pub async fn connect(background: Background) -> Result<Self, BoxError> {
        let (mongo_url, (connections_url, inline), queues, aws, (key, previous_key), limits, typing) =
            boot::read(|settings| {
                let (mongo_url, connections, aws) = (settings.mongo_url(), settings.connections(), settings.aws());
                let (queues, keys) = (settings.queues(), settings.secret_keys());
                (mongo_url, connections, queues, aws, keys, settings.limits(), settings.typing())
            })
            .await?;
        let (mongo, clock) = (Mongo::connect(&mongo_url).await?, boot::clock());
        let pusher = Arc::new(ManagementApi::new(&connections_url, &aws));
        let announcer = Announcer::new(mongo.clone(), pusher, clock, background)
            .with_inline_connections(inline)
            .with_fanout(Sqs::jobs(queues.fanout.as_deref(), &aws))
            .with_presence(Sqs::jobs(queues.presence.as_deref(), &aws))
            .with_notifications(Sqs::jobs(queues.push.as_deref(), &aws));
        tokio::join!(warm_up("open connections to MongoDB", mongo.warm_up()), announcer.warm_up());
        let fingerprints = Fingerprints::new(&key, previous_key.as_deref());
        let messenger = Messenger { mongo, announcer, clock };
        Ok(Self { messenger, fingerprints, limits, random: boot::random(), typing })
    }

    fn author<'a>(&'a self, connection: &'a Connection) -> Author<'a> {
        let Limits { sends, retries, changes, .. } = self.limits;
        let limits = MessageLimits { sends, retries, changes };
        let (session, fingerprints) = (&connection.session, &self.fingerprints);
        Author { user: connection.user, session, connection: Some(&connection.id), limits, fingerprints }
    }
}

/// Answers a frame with one, also where it is refused. On a one-way route the answer is pushed, and only if somebody awaits it.
pub async fn handle(app: &App, event: Event) -> Result<Answer, Fault> {
    let id = event.connection();
    let ClientRequest { id: re, language, is_silent, frame } = ClientRequest::parse(event.text());
    let is_one_way = ONE_WAY.contains(&event.route());
    let asked = !(is_one_way && is_silent);
    let mut locale = language.unwrap_or_default();
    let mut is_over = false;
    let Messenger { mongo, announcer, clock } = &app.messenger;
    let work = async {
        let (cost, effect) = (cost(&frame, asked), effect(&frame));
        let arrival = Arrival { connection: id, locale: language, cost, effect, at: clock.now() };
        let Some(touched) = mongo.connections().touch(arrival, app.limits.frames).await? else {
            is_over = true;
            return Err(Code::ConnectionUnknown.into());
        };
        locale = touched.connection.locale;
        if let Some(wait) = touched.wait {
            is_over = touched.is_flooding;
            return Err(Fault::rate_limited(wait));
        }
        Box::pin(act(app, &touched, frame?, asked)).await
    };
    let payload = match event.attempt("answer a frame", work).await {
        Ok(payload) => payload,
        Err(_) if !asked && !is_over => None,
        Err(fault) => {
            let body = ErrorBody { fatal: is_over, ..ErrorBody::of(&fault, locale, event.request_id()) };
            Some(FramePayload::Error(body))
        }
    };
    let Some(payload) = payload else { return Ok(Answer::status(200)) };
    let body = Frame { re: re.as_deref(), room: None, rev: None, payload }.to_text()?;
    if is_over {
        // The answer would come after the end of the connection.
        announcer.hang_up(id, body.clone()).await;
    } else if is_one_way {
        announcer.answer(id, &body).await;
        return Ok(Answer::status(200));
    }
    Ok(Answer::frame(body))
}

/// How many tokens of its person's bucket a frame takes: more where the answer looks at many documents.
fn cost(frame: &Result<ClientFrame, Fault>, asked: bool) -> u32 {
    match frame {
        Ok(ClientFrame::Hello(_)) => 5,
        Ok(ClientFrame::State(_)) if asked => 5,
        Ok(ClientFrame::Sync(_)) => 2,
        Ok(ClientFrame::Ping(ping)) if !ping.cursors.is_empty() => 2,
        _ => 1,
    }
}

/// What a frame says of the person who uses the client.
fn effect(frame: &Result<ClientFrame, Fault>) -> Effect {
    let Ok(frame) = frame else { return Effect::Alive };
    match frame {
        ClientFrame::Hello(hello) if hello.active => Effect::Acted,
        ClientFrame::Send(send) => Effect::ActedIn(send.room),
        ClientFrame::Read(read) => Effect::ReadIn(read.room),
        ClientFrame::Edit(_) | ClientFrame::Delete(_) | ClientFrame::React(_) => Effect::Acted,
        ClientFrame::Typing(typing) => Effect::Typed { room: typing.room, on: typing.on },
        ClientFrame::State(state) => Effect::Seen { active: state.active, viewing: state.room },
        ClientFrame::Hello(_) | ClientFrame::Delivered(_) | ClientFrame::Sync(_) | ClientFrame::Ping(_) => {
            Effect::Alive
        }
    }
}

/// Does what a frame says; where nobody asked, `None` unless there is something to tell.
async fn act(app: &App, touched: &Touched, frame: ClientFrame, asked: bool) -> Result<Option<FramePayload>, Fault> {
    let connection = &touched.connection;
    let answer = match frame {
        ClientFrame::Hello(hello) => hello::hello(app, connection, hello).await?,
        ClientFrame::Send(send) => send::send(app, connection, send).await?,
        ClientFrame::Edit(edit) => edit::edit(app, connection, edit).await?,
        ClientFrame::Delete(delete) => delete::delete(app, connection, delete).await?,
        ClientFrame::React(react) => react::react(app, connection, react).await?,
        ClientFrame::Sync(sync) => sync::sync(app, connection, sync).await?,
        ClientFrame::Read(read) => return read::read(app, connection, read, asked).await,
        ClientFrame::Delivered(delivered) => return delivered::delivered(app, connection, delivered, asked).await,
        ClientFrame::Typing(typing) => return typing::typing(app, touched, typing, asked).await,
        ClientFrame::State(_) => return state::state(app, connection, asked).await,
        ClientFrame::Ping(ping) => return ping::ping(app, connection, ping, asked).await,
    };
    Ok(Some(answer))
}

/// The answer to what nothing more is to be said about.
fn done(asked: bool) -> Option<FramePayload> {
    asked.then_some(FramePayload::Ack(Ack::Done(Done {})))
}

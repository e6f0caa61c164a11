#![doc = include_str!("../README.md")]

use announce::Announcer;
use background::Background;
use boot::{BoxError, warm_up};
use credentials::Tickets;
use domain::{Clock, Code, Fault, Locale, OrLog as _};
use mongo::{Connection, Mongo};
use realtime::ManagementApi;
use socket::{Answer, Event};
use std::sync::Arc;
use tracing::info;

/// The WebSocket routes that lead here.
pub const ROUTES: &[&str] = &["$connect"];

/// The subprotocol that the API speaks; a client that offers others alone is let in without one.
const SUBPROTOCOL: &str = "chat.v1";

/// What the handler works with.
#[derive(Debug, Clone)]
pub struct App {
    /// Tickets, connections, sessions that ended.
    pub mongo: Mongo,
    /// Ends connections that are too many.
    pub announcer: Announcer,
    /// Checks tickets before any store is asked.
    pub tickets: Tickets,
    /// The time.
    pub clock: Clock,
    /// The web pages that may connect.
    pub allowed_origins: Vec<String>,
    /// How many connections a person may have.
    pub max_connections: usize,
}

impl App {
    /// Reads the settings and connects.
    pub async fn connect() -> Result<Self, BoxError> {
        let (mongo_url, keys, connections_url, aws, allowed_origins, max_connections) = boot::read(|settings| {
            let (mongo_url, keys, connections_url) =
                (settings.mongo_url(), settings.secret_keys(), settings.connections_url());
            (mongo_url, keys, connections_url, settings.aws(), settings.allowed_origins(), settings.max_connections())
        })
        .await?;
        let (mongo, clock) = (Mongo::connect(&mongo_url).await?, boot::clock());
        let pusher = Arc::new(ManagementApi::new(&connections_url, &aws));
        // Seldom needed, so its connection is not opened here.
        let announcer = Announcer::new(mongo.clone(), pusher, clock, Background::inline());
        warm_up("open connections to MongoDB", mongo.warm_up()).await;
        let tickets = Tickets::new(&keys.0, keys.1.as_deref());
        Ok(Self { mongo, announcer, tickets, clock, allowed_origins, max_connections })
    }
}

/// Answers an upgrade: 200, 401 for a bad ticket, 403 for a foreign page, 503 when the store is away. The oldest connections of
/// a person with too many are told so, and closed.
pub async fn handle(app: &App, event: Event) -> Result<Answer, Fault> {
    let mut answer = match event.attempt("open a connection", connect(app, &event)).await {
        Ok(()) => Answer::status(200),
        Err(fault) => return Ok(Answer::status(fault.code.status())),
    };
    let offered = event.header("sec-websocket-protocol").unwrap_or_default();
    if offered.split(',').any(|protocol| protocol.trim() == SUBPROTOCOL) {
        answer.headers.insert("Sec-WebSocket-Protocol", SUBPROTOCOL);
    }
    Ok(answer)
}

async fn connect(app: &App, event: &Event) -> Result<(), Fault> {
    if !is_allowed(app, event) {
        return Err(Code::OriginForbidden.into());
    }
    let now = app.clock.now();
    let ticket = event.query("ticket").and_then(|text| app.tickets.verify(text, now)).ok_or(Code::TicketInvalid)?;
    let burnt = app.mongo.tickets().burn(ticket.hash().as_str(), now).await?;
    let (user, session) = burnt.ok_or(Code::TicketInvalid)?;
    let locale = event.header("accept-language").map(Locale::negotiate).unwrap_or_default();
    // A person counts as active from the first frame on.
    let (id, active_until) = (event.connection().clone(), now);
    let connection = Connection { id, user, session, locale, connected_at: now, active_until, viewing: None };

    // A logout writes its revocation, then ends the session's connections. Whichever comes first, one of the two sees the
    // other: the row before the revocation is read here, or the revocation before the rows are listed there. Both do so in a
    // causal session, or a new primary might answer either read with what was before both writes.
    let mut causal = app.mongo.causal().await?;
    let crowded_out = app.mongo.connections().insert_in(&mut causal, &connection, app.max_connections).await?;
    let (is_ended, dismissed) = tokio::join!(
        app.mongo.gates().is_ended_in(&mut causal, user, &connection.session),
        app.announcer.dismiss(&crowded_out, Code::TooManyConnections, event.request_id()),
    );
    // A client that misses the frame learns of it with its next frame.
    dismissed.or_log("end connections that are too many");
    if is_ended? {
        app.mongo.connections().remove(&connection.id).await?;
        return Err(Code::TicketInvalid.into());
    }
    info!(user.id = %user, "Opened a connection");
    Ok(())
}

/// Browsers name the page that connects. Apps name none, or the API itself, as React Native does.
fn is_allowed(app: &App, event: &Event) -> bool {
    let Some(origin) = event.header("origin") else { return true };
    let is_own = || {
        let (page, api) = (origin.split_once("://").map(|(_, host)| host), event.header("host"));
        page.zip(api).is_some_and(|(page, api)| page.eq_ignore_ascii_case(api))
    };
    app.allowed_origins.iter().any(|allowed| allowed == origin) || is_own()
}

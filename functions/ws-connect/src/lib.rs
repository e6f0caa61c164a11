#![doc = include_str!("../README.md")]

use boot::{BoxError, warm_up};
use credentials::Ticket;
use domain::{Clock, Code, Fault, Locale};
use mongo::{Connection, Mongo};
use socket::{Answer, Event};
use tracing::info;

/// The WebSocket routes that lead here.
pub const ROUTES: &[&str] = &["$connect"];

/// The subprotocol that the API speaks; a client that offers others alone is let in without one.
const SUBPROTOCOL: &str = "chat.v1";

/// What the handler works with.
#[derive(Debug, Clone)]
pub struct App {
    /// Tickets, connections, revocations.
    pub mongo: Mongo,
    /// The time.
    pub clock: Clock,
    /// The web pages that may connect.
    pub allowed_origins: Vec<String>,
}

impl App {
    /// Reads the settings and connects.
    pub async fn connect() -> Result<Self, BoxError> {
        let (mongo_url, allowed_origins) =
            boot::read(|settings| (settings.mongo_url(), settings.allowed_origins())).await?;
        let mongo = Mongo::connect(&mongo_url).await?;
        warm_up("open connections to MongoDB", mongo.warm_up()).await;
        Ok(Self { mongo, clock: boot::clock(), allowed_origins })
    }
}

/// Answers an upgrade: 200, 401 for a bad ticket, 403 for a foreign page, 503 when the store is away.
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
    if let Some(origin) = event.header("origin")
        && !app.allowed_origins.iter().any(|allowed| allowed == origin)
    {
        return Err(Code::OriginForbidden.into());
    }
    let ticket = event.query("ticket").and_then(Ticket::parse).ok_or(Code::TicketInvalid)?;
    let now = app.clock.now();
    let burnt = app.mongo.tickets().burn(ticket.hash().as_str(), now).await?;
    let (user, session) = burnt.ok_or(Code::TicketInvalid)?;
    let locale = event.header("accept-language").map(Locale::negotiate).unwrap_or_default();
    let connection = Connection { id: event.connection().clone(), user, session, locale, connected_at: now };

    // A logout writes its revocation, then ends the session's connections. Whichever comes first, one of the two sees the
    // other: the row before the revocation is read here, or the revocation before the rows are listed there.
    app.mongo.connections().insert(&connection).await?;
    if app.mongo.gates().is_ended(user, &connection.session).await? {
        app.mongo.connections().remove(&connection.id).await?;
        return Err(Code::TicketInvalid.into());
    }
    info!(user.id = %user, "Opened a connection");
    Ok(())
}

#![doc = include_str!("../README.md")]

use aws_lambda_events::apigw::ApiGatewayWebsocketProxyRequest;
use credentials::Ticket;
use domain::{Clock, Code, ConnectionId, Fault, Locale};
use mongo::{Connection, Mongo};
use serde::Serialize;
use std::{collections::BTreeMap, time::Duration};
use tracing::{error, info, instrument};

/// The WebSocket routes that lead here.
pub const ROUTES: &[&str] = &["$connect"];

/// The subprotocol that the API speaks; a client that offers others alone is let in without one.
const SUBPROTOCOL: &str = "chat.v1";

/// Below the function's own limit, after which the client would learn nothing.
const DEADLINE: Duration = Duration::from_secs(9);

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

/// What API Gateway makes of the upgrade: only a 2xx lets it pass.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// An HTTP status.
    pub status_code: u16,
    /// The chosen subprotocol, where the client offered it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<&'static str, &'static str>,
}

/// Answers an upgrade: 200, 401 for a bad ticket, 403 for a foreign page, 503 when the store is away.
#[instrument(skip_all)]
pub async fn handle(app: &App, event: &ApiGatewayWebsocketProxyRequest) -> Answer {
    let outcome = tokio::time::timeout(DEADLINE, connect(app, event)).await;
    match outcome.unwrap_or_else(|late| Err(Fault::unavailable(late))) {
        Ok(()) => {
            let offers = header(event, "sec-websocket-protocol")
                .is_some_and(|offered| offered.split(',').any(|protocol| protocol.trim() == SUBPROTOCOL));
            let headers =
                if offers { BTreeMap::from([("Sec-WebSocket-Protocol", SUBPROTOCOL)]) } else { BTreeMap::new() };
            Answer { status_code: 200, headers }
        }
        Err(fault) => {
            if let Some(cause) = fault.source {
                error!(code = fault.code.as_str(), %cause, "Could not open a connection");
            } else {
                info!(code = fault.code.as_str(), "Refused a connection");
            }
            Answer { status_code: fault.code.status(), headers: BTreeMap::new() }
        }
    }
}

/// Three round trips: the ticket, the connection, its session's revocation.
async fn connect(app: &App, event: &ApiGatewayWebsocketProxyRequest) -> Result<(), Fault> {
    if let Some(origin) = header(event, "origin")
        && !app.allowed_origins.iter().any(|allowed| allowed == origin)
    {
        return Err(Code::OriginForbidden.into());
    }
    let context = &event.request_context;
    let id = context.connection_id.clone().ok_or_else(|| Fault::internal("the event has no connection id"))?;
    let ticket = event.query_string_parameters.first("ticket").and_then(Ticket::parse).ok_or(Code::TicketInvalid)?;
    let now = app.clock.now();
    let burnt = app.mongo.burn_ticket(ticket.hash().as_str(), now).await?;
    let (user, session) = burnt.ok_or(Code::TicketInvalid)?;
    let locale = header(event, "accept-language").map(Locale::negotiate).unwrap_or_default();
    let connection = Connection { id: ConnectionId(id), user, session, locale, connected_at: now };

    // A logout writes its revocation, then ends the session's connections. Whichever comes first, one of the two sees the
    // other: the row before the revocation is read here, or the revocation before the rows are listed there.
    app.mongo.insert_connection(&connection).await?;
    if app.mongo.is_revoked(&connection.session).await? {
        app.mongo.remove_connection(&connection.id).await?;
        return Err(Code::TicketInvalid.into());
    }
    info!(user.id = %user, connection.id = %connection.id, "Opened a connection");
    Ok(())
}

fn header<'a>(event: &'a ApiGatewayWebsocketProxyRequest, name: &str) -> Option<&'a str> {
    event.headers.get(name)?.to_str().ok()
}

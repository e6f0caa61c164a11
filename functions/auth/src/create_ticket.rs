use crate::App;
use axum::extract::State;
use credentials::Ticket;
use domain::Timestamp;
use serde::Serialize;
use std::{sync::Arc, time::Duration};
use utoipa::ToSchema;
use web::{ApiResult, Caller, CallerProblems, Created, LimitProblems, StoreProblems};

const LIFE: Duration = Duration::from_mins(1);

/// What opens one WebSocket.
#[derive(Serialize, ToSchema)]
pub(crate) struct TicketView {
    /// Good once, until `expires_at`.
    #[schema(example = "ZmoAkgdyuHKCsrp5jMBX4V9n9mhQe3sVdOUGHEmKzX0")]
    ticket: String,
    /// Where to connect, with `?ticket=...`.
    #[schema(value_type = String, example = "wss://a1b2c3.execute-api.eu-west-1.amazonaws.com/v1")]
    url: Arc<str>,
    /// A minute from now.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

/// Gives a ticket for one WebSocket.
///
/// Round trips: three to MongoDB, of which one knows the caller and one the limit.
#[utoipa::path(post, path = "/auth/ticket", tag = "auth", security(("bearer" = [])),
    responses((status = 201, description = "The ticket, shown once.", body = TicketView),
        LimitProblems, CallerProblems, StoreProblems))]
#[tracing::instrument(skip_all, fields(user.id = %caller.id))]
pub(crate) async fn create_ticket(State(app): State<App>, caller: Caller) -> ApiResult<Created<TicketView>> {
    app.projector.mongo.spend(&format!("ticket:{}", caller.id), app.ticket_limit).await?;
    let (ticket, expires_at) = (Ticket::issue(app.random), app.clock.now().plus(LIFE));
    app.projector.mongo.insert_ticket(ticket.hash().as_str(), caller.id, &caller.session, expires_at).await?;
    Ok(Created(TicketView { ticket: ticket.reveal(), url: app.websocket_url, expires_at }))
}

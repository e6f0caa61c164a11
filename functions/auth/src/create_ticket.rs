use crate::App;
use axum::extract::State;
use contract::TicketView;
use mongo::Bucket;
use std::time::Duration;
use web::{ApiResult, Bearer, CallerProblems, Created, StoreProblems};

const LIFE: Duration = Duration::from_mins(1);

/// Issues a ticket, which opens one WebSocket connection.
#[utoipa::path(post, path = "/auth/ticket", tag = "auth", security(("bearer" = [])),
    responses((status = 201, description = "The ticket.", body = TicketView),
        CallerProblems, StoreProblems))]
#[tracing::instrument(skip_all, fields(user.id = %caller.id))]
pub(crate) async fn create_ticket(State(app): State<App>, caller: Bearer) -> ApiResult<Created<TicketView>> {
    let mongo = &app.backend.projector.mongo;
    caller.spend(mongo, Bucket::Tickets, app.backend.limits.tickets).await?;
    let expires_at = app.backend.clock.now().plus(LIFE);
    let ticket = app.tickets.issue(app.backend.random, expires_at);
    mongo.tickets().insert(ticket.hash().as_str(), caller.id, &caller.session, expires_at).await?;
    Ok(Created(TicketView { ticket: ticket.reveal(), url: app.websocket_url.to_string(), expires_at }))
}

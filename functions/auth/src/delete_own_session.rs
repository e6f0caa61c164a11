use crate::{App, delete_session::EndSession};
use axum::extract::State;
use web::{ApiResult, Caller, CallerProblems, NoContent, StoreProblems};

/// Logs the caller out.
///
/// The tokens of this session are refused at once and its WebSocket connections are closed.
#[utoipa::path(post, path = "/auth/logout", tag = "auth", security(("bearer" = [])),
    responses((status = 204, description = "The session is ended."), CallerProblems, StoreProblems))]
#[tracing::instrument(skip_all, fields(user.id = %caller.id))]
pub(crate) async fn delete_own_session(State(app): State<App>, caller: Caller) -> ApiResult<NoContent> {
    EndSession { id: caller.session, user: caller.id, at: app.backend.clock.now() }.run(&app).await?;
    tracing::info!("Logged a user out");
    Ok(NoContent)
}

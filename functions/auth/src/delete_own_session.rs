use crate::{App, delete_session::EndSession};
use axum::extract::State;
use web::{ApiResult, Bearer, Gatekeeper, NoContent, StoreProblems};

web::problems!(
    /// A session ends once, so no limit is needed, and none keeps a person from it whose token somebody else has.
    LogoutProblems: Unauthenticated, TokenExpired
);

/// Logs the caller out.
///
/// This is never limited. The tokens of this session are refused at once and its WebSocket connections are closed.
#[utoipa::path(post, path = "/auth/logout", tag = "auth", security(("bearer" = [])),
    responses((status = 204, description = "The session is ended."), LogoutProblems, StoreProblems))]
#[tracing::instrument(skip_all, fields(user.id = %caller.id))]
pub(crate) async fn delete_own_session(
    State(app): State<App>,
    State(gate): State<Gatekeeper>,
    caller: Bearer,
) -> ApiResult<NoContent> {
    caller.check(&gate).await?;
    EndSession { id: caller.session, user: caller.id, at: app.backend.clock.now() }.run(&app).await?;
    tracing::info!("Logged a user out");
    Ok(NoContent)
}

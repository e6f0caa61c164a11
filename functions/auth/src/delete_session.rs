use crate::App;
use axum::extract::State;
use domain::{Aggregate, Code, Fault, SessionId, Timestamp, UserId};
use mysql::Tx;
use projection::Changed;
use web::{ApiResult, Caller, CallerProblems, NoContent, Path, StoreProblems};

web::problems!(SessionProblems: SessionNotFound);

/// Ends one of the caller's sessions.
///
/// Its tokens are refused at once and its WebSocket connections are closed. Ending an ended session changes nothing.
#[utoipa::path(delete, path = "/auth/sessions/{id}", tag = "auth", security(("bearer" = [])),
    params(("id" = SessionId, Path, description = "The session's id.", example = "0f8fad5bd9cb469fa16570867728950e")),
    responses((status = 204, description = "The session is ended."), SessionProblems, CallerProblems, StoreProblems))]
#[tracing::instrument(skip_all, fields(user.id = %caller.id))]
pub(crate) async fn delete_session(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<SessionId>,
) -> ApiResult<NoContent> {
    EndSession { id, user: caller.id, at: app.backend.clock.now() }.run(&app).await?;
    tracing::info!("Ended a session from another one");
    Ok(NoContent)
}

/// One login of a person is over.
#[derive(Clone)]
pub(crate) struct EndSession {
    pub(crate) id: SessionId,
    pub(crate) user: UserId,
    pub(crate) at: Timestamp,
}

impl EndSession {
    pub(crate) async fn run(self, app: &App) -> Result<(), Fault> {
        app.backend.projector.change(self, end_session).await
    }
}

async fn end_session(tx: &mut Tx, command: EndSession) -> Result<Changed<()>, Fault> {
    let EndSession { id, user, at } = command;
    let touched = vec![Aggregate::Person(user), Aggregate::Sessions(user)];
    // Locks come before what is decided by them.
    tx.users().raise_versions(&[user]).await?;
    if !tx.sessions().revoke(&id, user, at).await? {
        return Err(Code::SessionNotFound.into());
    }
    tx.outbox().insert(&touched, at).await?;
    Ok(Changed::quietly(touched, ()))
}

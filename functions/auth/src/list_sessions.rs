use crate::App;
use axum::extract::State;
use contract::{Listed, PageQuery, SessionView};
use mysql::SessionKey;
use web::{ApiResult, Caller, CallerProblems, Json, Query, QueryProblems, StoreProblems};

/// Lists the caller's active sessions, the newest first.
#[utoipa::path(get, path = "/auth/sessions", tag = "auth", security(("bearer" = [])), params(PageQuery),
    responses((status = 200, description = "A page of sessions.", body = Listed<SessionView>),
        QueryProblems, CallerProblems, StoreProblems))]
#[tracing::instrument(skip_all, fields(user.id = %caller.id))]
pub(crate) async fn list_sessions(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<PageQuery>,
) -> ApiResult<Json<Listed<SessionView>>> {
    let (size, before) = query.parse::<SessionKey>()?;
    let sessions = app.backend.projector.mysql.sessions();
    let page = sessions.list(caller.id, before.as_ref(), size, app.backend.clock.now()).await?;
    Ok(Json(Listed::of(page, |session| SessionView::of(session, &caller.session))?))
}

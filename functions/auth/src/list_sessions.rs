use crate::App;
use axum::extract::State;
use domain::{Session, SessionId, Timestamp};
use mysql::SessionKey;
use serde::Serialize;
use utoipa::ToSchema;
use web::{ApiResult, Caller, CallerProblems, Json, Listed, PageQuery, Query, QueryProblems, StoreProblems};

/// One login on one device.
#[derive(Serialize, ToSchema)]
pub(crate) struct SessionView {
    /// 32 hex digits.
    #[schema(value_type = String, example = "0f8fad5bd9cb469fa16570867728950e")]
    id: SessionId,
    /// What the device calls itself.
    #[schema(required = true, example = "Mozilla/5.0 (Android 16; Mobile)")]
    user_agent: Option<String>,
    /// Whether it is the one that asks.
    is_current: bool,
    /// When it was logged in.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When its tokens were last refreshed.
    #[schema(value_type = String, format = DateTime)]
    last_used_at: Timestamp,
}

/// Lists the caller's sessions that are not over, the newest first.
///
/// Round trips: one knows the caller, one to MySQL.
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
    let sessions = app.projector.mysql.sessions();
    let page = sessions.list(caller.id, before.as_ref(), size, app.clock.now()).await?;
    Ok(Json(Listed::of(page, |session| SessionView::of(session, &caller.session))?))
}

impl SessionView {
    fn of(session: Session, current: &SessionId) -> Self {
        let Session { id, user_agent, created_at, last_used_at } = session;
        Self { is_current: id == *current, id, user_agent, created_at, last_used_at }
    }
}

use crate::App;
use axum::extract::State;
use domain::FriendshipId;
use mysql::Direction;
use realtime::FriendView;
use serde::Deserialize;
use tracing::instrument;
use utoipa::{IntoParams, ToSchema};
use web::{ApiResult, Caller, CallerProblems, Json, Listed, Query, QueryProblems, StoreProblems};

/// Which requests.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RequestsQuery {
    /// `received`, unless given, or `sent`.
    #[param(inline)]
    direction: Option<Way>,
    /// 1 to 100; 30 unless given.
    limit: Option<i64>,
    /// The `next_cursor` of the page before; the first page unless given.
    cursor: Option<String>,
}

/// Who asked.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Way {
    Received,
    Sent,
}

/// Lists the caller's open requests, the newest first. Two round trips: the caller's session and the page.
#[utoipa::path(
    get, path = "/friends/requests", operation_id = "list_friend_requests", tag = "friends", security(("bearer" = [])),
    params(RequestsQuery),
    responses(
        (status = 200, description = "A page of requests", body = Listed<FriendView>),
        QueryProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id))]
pub(crate) async fn list_friend_requests(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<RequestsQuery>,
) -> ApiResult<Json<Listed<FriendView>>> {
    let (size, before) = web::page::<FriendshipId>(query.limit, query.cursor.as_deref())?;
    let direction = match query.direction {
        None | Some(Way::Received) => Direction::Received,
        Some(Way::Sent) => Direction::Sent,
    };
    let page = app.projector.mysql.friendships().list_requests(caller.id, direction, before, size).await?;
    Ok(Json(Listed::of(page, FriendView::from)?))
}

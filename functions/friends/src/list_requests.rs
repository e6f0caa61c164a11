use crate::App;
use axum::extract::State;
use contract::{FriendRequestDirection, FriendRequestsQuery, FriendView, Listed};
use domain::FriendshipId;
use mysql::Direction;
use tracing::instrument;
use web::{ApiResult, Caller, CallerProblems, Json, Query, QueryProblems, StoreProblems};

/// Lists the open friend requests that the caller received or sent, the newest first.
#[utoipa::path(
    get, path = "/friends/requests", operation_id = "list_friend_requests", tag = "friends", security(("bearer" = [])),
    params(FriendRequestsQuery),
    responses(
        (status = 200, description = "A page of requests.", body = Listed<FriendView>),
        QueryProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id))]
pub(crate) async fn list_friend_requests(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<FriendRequestsQuery>,
) -> ApiResult<Json<Listed<FriendView>>> {
    let (size, before) = contract::page::<FriendshipId>(query.limit, query.cursor.as_deref())?;
    let direction = match query.direction {
        None | Some(FriendRequestDirection::Received) => Direction::Received(app.clock.now()),
        Some(FriendRequestDirection::Sent) => Direction::Sent,
    };
    let page = app.projector.mysql.friendships().list_requests(caller.id, direction, before, size).await?;
    Ok(Json(Listed::of(page, FriendView::from)?))
}

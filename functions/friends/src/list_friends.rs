use crate::App;
use axum::extract::State;
use contract::{FriendView, Listed, PageQuery};
use domain::FriendshipId;
use tracing::instrument;
use web::{ApiResult, Caller, CallerProblems, Json, Query, QueryProblems, StoreProblems};

/// Lists the caller's friends, the newest friendship first.
#[utoipa::path(
    get, path = "/friends", operation_id = "list_friends", tag = "friends", security(("bearer" = [])),
    params(PageQuery),
    responses(
        (status = 200, description = "A page of friends.", body = Listed<FriendView>),
        QueryProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id))]
pub(crate) async fn list_friends(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<PageQuery>,
) -> ApiResult<Json<Listed<FriendView>>> {
    let (size, before) = query.parse::<FriendshipId>()?;
    let page = app.projector.mysql.friendships().list_friends(caller.id, before, size).await?;
    Ok(Json(Listed::of(page, FriendView::from)?))
}

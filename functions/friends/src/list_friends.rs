use crate::App;
use axum::extract::State;
use contract::{Listed, ListedFriend, PageQuery};
use domain::FriendshipId;
use tracing::instrument;
use web::{ApiResult, Caller, CallerProblems, Json, Query, QueryProblems, StoreProblems};

/// Lists the caller's friends, the newest friendship first, and who of them is online.
#[utoipa::path(
    get, path = "/friends", operation_id = "list_friends", tag = "friends", security(("bearer" = [])),
    params(PageQuery),
    responses(
        (status = 200, description = "A page of friends.", body = Listed<ListedFriend>),
        QueryProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id))]
pub(crate) async fn list_friends(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<PageQuery>,
) -> ApiResult<Json<Listed<ListedFriend>>> {
    let (size, before) = query.parse::<FriendshipId>()?;
    let page = app.projector.mysql.friendships().list_friends(caller.id, before, size).await?;
    let friends: Vec<_> = page.items.iter().map(|friend| friend.user.id).collect();
    let seen = app.projector.mongo.presence().list_seen(caller.id, &friends, app.clock.now()).await?;
    Ok(Json(Listed::of(page, |friend| {
        let seen = seen.get(&friend.user.id).copied().unwrap_or_default();
        ListedFriend::of(friend, seen)
    })?))
}

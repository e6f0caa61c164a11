use crate::{App, turn::TakeTurn};
use axum::extract::State;
use contract::FriendshipView;
use domain::{Friendship, FriendshipId};
use tracing::instrument;
use web::{ApiResult, Caller, CallerProblems, Json, Path, StoreProblems};

web::problems!(AnswerProblems: FriendshipNotFound, NotAddressee, TooManyFriends);

/// Accepts a friend request that the caller received.
///
/// Repeating it changes nothing.
#[utoipa::path(
    put, path = "/friends/{id}/accept", operation_id = "accept_friend", tag = "friends", security(("bearer" = [])),
    params(("id" = FriendshipId, Path, description = "The request's id.", example = 7)),
    responses(
        (status = 200, description = "The accepted request.", body = FriendshipView),
        AnswerProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id))]
pub(crate) async fn accept_friend(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<FriendshipId>,
) -> ApiResult<Json<FriendshipView>> {
    let turn = TakeTurn { id, by: caller.id, decide: Friendship::accept, at: app.clock.now() };
    Ok(Json(turn.run(&app).await?.into()))
}

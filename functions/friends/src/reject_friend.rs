use crate::{App, turn::TakeTurn, view::FriendshipView};
use axum::extract::State;
use domain::{Friendship, FriendshipId};
use tracing::instrument;
use web::{ApiResult, Caller, CallerProblems, Json, Path, StoreProblems};

web::problems!(AnswerProblems: FriendshipNotFound, NotAddressee);

/// Rejects a request. One that is rejected stays so.
///
/// Round trips: one knows the caller, then those of `TakeTurn`.
#[utoipa::path(
    put, path = "/friends/{id}/reject", operation_id = "reject_friend", tag = "friends", security(("bearer" = [])),
    params(("id" = i32, Path, description = "The request's number", example = 7)),
    responses(
        (status = 200, description = "As of the answer", body = FriendshipView),
        AnswerProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id))]
pub(crate) async fn reject_friend(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<FriendshipId>,
) -> ApiResult<Json<FriendshipView>> {
    let turn = TakeTurn { id, by: caller.id, decide: Friendship::reject, at: app.clock.now() };
    Ok(Json(turn.run(&app).await?.into()))
}

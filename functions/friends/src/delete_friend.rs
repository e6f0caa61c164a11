use crate::{App, turn::TakeTurn};
use axum::extract::State;
use domain::{Friendship, FriendshipId};
use tracing::instrument;
use web::{ApiResult, Caller, CallerProblems, NoContent, Path, StoreProblems};

web::problems!(DeleteProblems: FriendshipNotFound);

/// Ends a friendship, or withdraws a request that the caller sent.
///
/// Repeating it changes nothing.
#[utoipa::path(
    delete, path = "/friends/{id}", operation_id = "delete_friend", tag = "friends", security(("bearer" = [])),
    params(("id" = FriendshipId, Path, description = "The id of the friendship or request.", example = 7)),
    responses((status = 204, description = "The friendship or request is ended."), DeleteProblems, CallerProblems, StoreProblems)
)]
#[instrument(skip_all, fields(user.id = %caller.id))]
pub(crate) async fn delete_friend(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<FriendshipId>,
) -> ApiResult<NoContent> {
    TakeTurn { id, by: caller.id, decide: Friendship::end, at: app.clock.now() }.run(&app).await?;
    Ok(NoContent)
}

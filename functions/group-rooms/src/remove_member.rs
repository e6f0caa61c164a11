use crate::{
    App,
    turn::{Ask, Turn},
};
use axum::extract::State;
use domain::{RoomId, UserId};
use tracing::instrument;
use web::{ApiResult, Caller, CallerProblems, NoContent, Path, StoreProblems};

web::problems!(RemoveProblems: NotPermitted, RoomNotFound, MemberNotFound);

/// Removes a member from a group.
///
/// They come back only when a member adds them. Repeating it changes nothing.
#[utoipa::path(
    delete, path = "/group-rooms/{id}/members/{user_id}", operation_id = "remove_member", tag = "group-rooms",
    security(("bearer" = [])),
    params(
        ("id" = RoomId, Path, description = "The group's id.", example = 7),
        ("user_id" = UserId, Path, description = "The member's id.", example = 4),
    ),
    responses((status = 204, description = "The person is not a member."), RemoveProblems, CallerProblems, StoreProblems)
)]
#[instrument(skip_all, fields(user.id = %caller.id, room.id = %room))]
pub(crate) async fn remove_member(
    State(app): State<App>,
    caller: Caller,
    Path((room, of)): Path<(RoomId, UserId)>,
) -> ApiResult<NoContent> {
    Turn { room, by: caller.id, of, ask: Ask::Kick, at: app.clock.now() }.run(&app).await?;
    Ok(NoContent)
}

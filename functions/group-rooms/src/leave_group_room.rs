use crate::{
    App,
    turn::{Ask, Turn},
};
use axum::extract::State;
use domain::RoomId;
use tracing::instrument;
use web::{ApiResult, Caller, CallerProblems, NoContent, Path, StoreProblems};

web::problems!(LeaveProblems: RoomNotFound, OwnerMustTransfer);

/// Leaves a group.
///
/// An owner transfers the group first, or deletes it. Repeating it changes nothing.
#[utoipa::path(
    post, path = "/group-rooms/{id}/leave", operation_id = "leave_group_room", tag = "group-rooms", security(("bearer" = [])),
    params(("id" = RoomId, Path, description = "The group's id.", example = 7)),
    responses((status = 204, description = "The caller is not a member."), LeaveProblems, CallerProblems, StoreProblems)
)]
#[instrument(skip_all, fields(user.id = %caller.id, room.id = %room))]
pub(crate) async fn leave_group_room(
    State(app): State<App>,
    caller: Caller,
    Path(room): Path<RoomId>,
) -> ApiResult<NoContent> {
    Turn::of_oneself(room, caller.id, Ask::Leave, app.clock.now()).run(&app).await?;
    Ok(NoContent)
}

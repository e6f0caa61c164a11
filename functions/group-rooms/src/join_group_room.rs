use crate::{
    App,
    turn::{Ask, Turn},
    view::show_changed,
};
use axum::extract::State;
use contract::GroupRoomView;
use domain::RoomId;
use tracing::instrument;
use web::{ApiResult, Caller, CallerProblems, Json, Path, StoreProblems};

web::problems!(JoinProblems: RoomNotFound, RemovedFromRoom, RoomFull, TooManyGroups);

/// Joins a public group.
///
/// Repeating it changes nothing.
#[utoipa::path(
    post, path = "/group-rooms/{id}/join", operation_id = "join_group_room", tag = "group-rooms", security(("bearer" = [])),
    params(("id" = RoomId, Path, description = "The group's id.", example = 7)),
    responses(
        (status = 200, description = "The group, of which the caller is a member.", body = GroupRoomView),
        JoinProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id, room.id = %room))]
pub(crate) async fn join_group_room(
    State(app): State<App>,
    caller: Caller,
    Path(room): Path<RoomId>,
) -> ApiResult<Json<GroupRoomView>> {
    let turned = Turn::of_oneself(room, caller.id, Ask::Join, app.clock.now()).run(&app).await?;
    Ok(Json(show_changed(&app, turned.room, turned.of).await?))
}

use crate::{App, view::show};
use axum::extract::State;
use contract::GroupRoomView;
use domain::{Code, RoomId, group};
use tracing::instrument;
use web::{ApiResult, Caller, CallerProblems, Json, Path, StoreProblems};

web::problems!(GetProblems: RoomNotFound);

/// Shows a group of the caller's, or a public one.
#[utoipa::path(
    get, path = "/group-rooms/{id}", operation_id = "get_group_room", tag = "group-rooms", security(("bearer" = [])),
    params(("id" = RoomId, Path, description = "The group's id.", example = 7)),
    responses((status = 200, description = "The group.", body = GroupRoomView), GetProblems, CallerProblems, StoreProblems)
)]
#[instrument(skip_all, fields(user.id = %caller.id, room.id = %id))]
pub(crate) async fn get_group_room(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<RoomId>,
) -> ApiResult<Json<GroupRoomView>> {
    let found = app.mysql.groups().find(id, caller.id).await?.ok_or(Code::RoomNotFound)?;
    group::see(&found.room, found.of.as_ref())?;
    Ok(Json(show(&app, found, caller.id).await?))
}

use crate::{App, view::ChatRoomView};
use axum::extract::State;
use domain::{Code, RoomId};
use tracing::instrument;
use web::{ApiResult, Caller, CallerProblems, Json, Path, StoreProblems};

web::problems!(GetProblems: RoomNotFound);

/// Shows a room to its participants. Two round trips: the caller's session and the room.
#[utoipa::path(
    get, path = "/chat-rooms/{id}", operation_id = "get_chat_room", tag = "chat-rooms", security(("bearer" = [])),
    params(("id" = i32, Path, description = "The room's number")),
    responses((status = 200, description = "The room", body = ChatRoomView), GetProblems, CallerProblems, StoreProblems)
)]
#[instrument(skip_all, fields(user.id = %caller.id, room.id = %id))]
pub(crate) async fn get_chat_room(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<RoomId>,
) -> ApiResult<Json<ChatRoomView>> {
    let room = app.projector.mysql.private_rooms().find(id).await?;
    let room = room.filter(|room| room.participants.iter().any(|person| person.id == caller.id));
    Ok(Json(room.ok_or(Code::RoomNotFound)?.into()))
}

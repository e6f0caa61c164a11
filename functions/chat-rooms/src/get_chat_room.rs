use crate::{App, view::views};
use axum::extract::State;
use contract::ChatRoomView;
use domain::{Code, Fault, PrivateRoom, RoomId, RoomKey, UserId};
use tracing::instrument;
use web::{ApiResult, Caller, CallerProblems, Json, Path, StoreProblems};

web::problems!(GetProblems: RoomNotFound);

/// Shows one of the caller's rooms.
#[utoipa::path(
    get, path = "/chat-rooms/{id}", operation_id = "get_chat_room", tag = "chat-rooms", security(("bearer" = [])),
    params(("id" = RoomId, Path, description = "The room's id.", example = 12)),
    responses((status = 200, description = "The room.", body = ChatRoomView), GetProblems, CallerProblems, StoreProblems)
)]
#[instrument(skip_all, fields(user.id = %caller.id, room.id = %id))]
pub(crate) async fn get_chat_room(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<RoomId>,
) -> ApiResult<Json<ChatRoomView>> {
    let room = app.projector.mysql.private_rooms().find(id, caller.id).await?.ok_or(Code::RoomNotFound)?;
    Ok(Json(show(&app, room, caller.id).await?))
}

/// A room with its last message and unread count.
pub(crate) async fn show(app: &App, room: PrivateRoom, viewer: UserId) -> Result<ChatRoomView, Fault> {
    let found = app.projector.mongo.rooms().find(RoomKey::private(room.id), viewer).await?;
    let (summary, quotes) = found.ok_or(Code::RoomNotFound)?;
    Ok(views(vec![room], vec![summary], &quotes).pop().ok_or(Code::RoomNotFound)?)
}

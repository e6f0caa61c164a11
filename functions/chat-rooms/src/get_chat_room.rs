use crate::{
    App,
    view::{ChatRoomView, views},
};
use axum::extract::State;
use domain::{Code, Fault, PrivateRoom, RoomId, RoomKey, UserId};
use tracing::instrument;
use web::{ApiResult, Caller, CallerProblems, Json, Path, StoreProblems};

web::problems!(GetProblems: RoomNotFound);

/// Shows a room to its participants. Three round trips: the caller's session, the room, and what happened in it; one
/// more where the last message is a reply.
#[utoipa::path(
    get, path = "/chat-rooms/{id}", operation_id = "get_chat_room", tag = "chat-rooms", security(("bearer" = [])),
    params(("id" = i32, Path, description = "The room's number", example = 12)),
    responses((status = 200, description = "The room", body = ChatRoomView), GetProblems, CallerProblems, StoreProblems)
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

/// A room with what happened in it.
pub(crate) async fn show(app: &App, room: PrivateRoom, viewer: UserId) -> Result<ChatRoomView, Fault> {
    let mongo = &app.projector.mongo;
    let summary = mongo.find_room(RoomKey::private(room.id), viewer).await?;
    let shown = views(mongo, vec![room], summary.into_iter().collect()).await?.pop();
    Ok(shown.ok_or(Code::RoomNotFound)?)
}

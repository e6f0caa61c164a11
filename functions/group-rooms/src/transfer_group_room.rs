use crate::{
    App,
    turn::{Ask, Turn},
    view::show,
};
use axum::extract::State;
use contract::{GroupRoomView, OwnerChange};
use domain::{Code, RoomId};
use tracing::instrument;
use web::{ApiResult, BodyProblems, Caller, CallerProblems, Json, Path, StoreProblems};

web::problems!(TransferProblems: NotPermitted, RoomNotFound, MemberNotFound);

/// Makes another member the owner.
///
/// The caller becomes an admin. Repeating it changes nothing.
#[utoipa::path(
    post, path = "/group-rooms/{id}/transfer", operation_id = "transfer_group_room", tag = "group-rooms",
    security(("bearer" = [])),
    params(("id" = RoomId, Path, description = "The group's id.", example = 7)),
    request_body = OwnerChange,
    responses(
        (status = 200, description = "The group as the caller sees it now.", body = GroupRoomView),
        TransferProblems, BodyProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id, room.id = %room))]
pub(crate) async fn transfer_group_room(
    State(app): State<App>,
    caller: Caller,
    Path(room): Path<RoomId>,
    Json(change): Json<OwnerChange>,
) -> ApiResult<Json<GroupRoomView>> {
    let turn = Turn { room, by: caller.id, of: change.user_id, ask: Ask::Transfer, at: app.clock.now() };
    turn.run(&app).await?;
    let found = app.mysql.groups().find(room, caller.id).await?.ok_or(Code::RoomNotFound)?;
    Ok(Json(show(&app, found, caller.id).await?))
}

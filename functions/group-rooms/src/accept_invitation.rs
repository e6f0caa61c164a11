use crate::{
    App,
    turn::{Ask, Turn},
    view::{is_member, show_changed},
};
use axum::extract::State;
use contract::GroupRoomView;
use credentials::InviteCode;
use domain::Code;
use tracing::instrument;
use web::{ApiResult, Caller, CallerProblems, Json, Path, StoreProblems};

web::problems!(AcceptProblems: InviteNotFound, RemovedFromRoom, RoomFull, TooManyGroups);

/// Joins a group by an invite.
///
/// Repeating it changes nothing, and uses the invite once.
#[utoipa::path(
    post, path = "/invites/{code}/join", operation_id = "accept_invitation", tag = "group-rooms", security(("bearer" = [])),
    params((
        "code" = String, Path, description = "The invite's code.", example = "kZ0q5Yy3S7mXb1cRk2w9Tg",
        min_length = 22, max_length = 22, pattern = "^[A-Za-z0-9_-]{22}$"
    )),
    responses(
        (status = 200, description = "The group, of which the caller is a member.", body = GroupRoomView),
        AcceptProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id))]
pub(crate) async fn accept_invitation(
    State(app): State<App>,
    caller: Caller,
    Path(code): Path<InviteCode>,
) -> ApiResult<Json<GroupRoomView>> {
    let at = app.clock.now();
    let found = app.mysql.invites().find_by_hash(&code.hash(), caller.id).await?;
    let found = found.filter(|(invite, group)| invite.is_open(at) || is_member(group));
    let (invite, group) = found.ok_or(Code::InviteNotFound)?;
    let turn = Turn::of_oneself(group.room.id, caller.id, Ask::Accept(invite.id), at);
    let turned = turn.run_in(&app, group).await?;
    Ok(Json(show_changed(&app, turned.room, turned.of).await?))
}

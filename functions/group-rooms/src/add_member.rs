use crate::{
    App,
    turn::{Ask, Turn},
    view::show_member,
};
use axum::extract::State;
use contract::{MemberView, NewMember};
use domain::{RoomId, Step};
use tracing::instrument;
use web::{ApiResult, BodyProblems, Caller, CallerProblems, Json, MadeOrFound, Path, StoreProblems};

web::problems!(
    AddProblems: NotPermitted, NotFriends, RoomNotFound, UserNotFound, RoomFull, TooManyGroups, UserBanned
);

/// Adds a friend of the caller's to a group.
///
/// Whoever was removed from the group comes back this way. Repeating it changes nothing.
#[utoipa::path(
    post, path = "/group-rooms/{id}/members", operation_id = "add_member", tag = "group-rooms", security(("bearer" = [])),
    params(("id" = RoomId, Path, description = "The group's id.", example = 7)),
    request_body = NewMember,
    responses(
        (status = 201, description = "The new member.", body = MemberView),
        (status = 200, description = "The person is a member already.", body = MemberView),
        AddProblems, BodyProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id, room.id = %room))]
pub(crate) async fn add_member(
    State(app): State<App>,
    caller: Caller,
    Path(room): Path<RoomId>,
    Json(new): Json<NewMember>,
) -> ApiResult<MadeOrFound<MemberView>> {
    let turn = Turn { room, by: caller.id, of: new.user_id, ask: Ask::Add, at: app.clock.now() };
    let turned = turn.run(&app).await?;
    let member = show_member(&app, turned.of, caller.id).await?;
    Ok(if turned.step == Step::Change { MadeOrFound::Made(member) } else { MadeOrFound::Found(member) })
}

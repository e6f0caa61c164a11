use crate::{
    App,
    turn::{Ask, Turn},
    view::show_member,
};
use axum::extract::State;
use contract::{MemberView, RoleChange};
use domain::{RoomId, UserId};
use tracing::instrument;
use web::{ApiResult, BodyProblems, Caller, CallerProblems, Json, Path, StoreProblems};

web::problems!(RoleProblems: NotPermitted, RoomNotFound, MemberNotFound);

/// Makes a member an admin, or an admin a member.
///
/// Repeating it changes nothing.
#[utoipa::path(
    put, path = "/group-rooms/{id}/members/{user_id}", operation_id = "update_member", tag = "group-rooms",
    security(("bearer" = [])),
    params(
        ("id" = RoomId, Path, description = "The group's id.", example = 7),
        ("user_id" = UserId, Path, description = "The member's id.", example = 4),
    ),
    request_body = RoleChange,
    responses(
        (status = 200, description = "The member with the new role.", body = MemberView),
        RoleProblems, BodyProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id, room.id = %room))]
pub(crate) async fn update_member(
    State(app): State<App>,
    caller: Caller,
    Path((room, of)): Path<(RoomId, UserId)>,
    Json(change): Json<RoleChange>,
) -> ApiResult<Json<MemberView>> {
    let turn = Turn { room, by: caller.id, of, ask: Ask::SetRole(change.role), at: app.clock.now() };
    let turned = turn.run(&app).await?;
    Ok(Json(show_member(&app, turned.of, caller.id).await?))
}

use crate::App;
use axum::extract::State;
use domain::{Code, Fault, GroupAct, InviteId, RoomId, Timestamp, UserId, group};
use mysql::Tx;
use tracing::instrument;
use web::{ApiResult, Caller, CallerProblems, NoContent, Path, StoreProblems};

web::problems!(RevokeProblems: NotPermitted, RoomNotFound, InviteNotFound);

/// Revokes an invite.
///
/// Nobody joins by it any more. Revoking one that was revoked before changes nothing.
#[utoipa::path(
    delete, path = "/group-rooms/{id}/invites/{invite_id}", operation_id = "delete_invite", tag = "group-rooms",
    security(("bearer" = [])),
    params(
        ("id" = RoomId, Path, description = "The group's id.", example = 7),
        ("invite_id" = InviteId, Path, description = "The invite's id.", example = 5),
    ),
    responses((status = 204, description = "The invite is revoked."), RevokeProblems, CallerProblems, StoreProblems)
)]
#[instrument(skip_all, fields(user.id = %caller.id, room.id = %room))]
pub(crate) async fn delete_invite(
    State(app): State<App>,
    caller: Caller,
    Path((room, invite)): Path<(RoomId, InviteId)>,
) -> ApiResult<NoContent> {
    let command = Revoke { room, invite, by: caller.id, at: app.clock.now() };
    let found = app.mysql.groups().find(room, caller.id).await?.ok_or(Code::RoomNotFound)?;
    group::actor(found.of.as_ref())?.role.may(GroupAct::Invite)?;
    app.mysql.transact(command, revoke_invite).await?;
    Ok(NoContent)
}

#[derive(Debug, Clone, Copy)]
struct Revoke {
    room: RoomId,
    invite: InviteId,
    by: UserId,
    at: Timestamp,
}

async fn revoke_invite(tx: &mut Tx, Revoke { room, invite, by, at }: Revoke) -> Result<(), Fault> {
    tx.groups().lock(room).await?.ok_or(Code::RoomNotFound)?;
    let of = tx.members().find(room, by).await?;
    group::actor(of.as_ref())?.role.may(GroupAct::Invite)?;
    let is_known = tx.invites().revoke(room, invite, at).await?;
    if is_known { Ok(()) } else { Err(Code::InviteNotFound.into()) }
}

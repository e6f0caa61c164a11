use crate::{App, view::is_member};
use axum::extract::State;
use contract::InvitationView;
use credentials::InviteCode;
use domain::{Code, Invite};
use mysql::ViewedGroup;
use tracing::instrument;
use web::{ApiResult, Caller, CallerProblems, Json, Path, StoreProblems};

web::problems!(InvitationProblems: InviteNotFound);

/// Shows the group that an invite is for.
#[utoipa::path(
    get, path = "/invites/{code}", operation_id = "get_invitation", tag = "group-rooms", security(("bearer" = [])),
    params((
        "code" = String, Path, description = "The invite's code.", example = "kZ0q5Yy3S7mXb1cRk2w9Tg",
        min_length = 22, max_length = 22, pattern = "^[A-Za-z0-9_-]{22}$"
    )),
    responses(
        (status = 200, description = "The group, as it is shown before joining.", body = InvitationView),
        InvitationProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id))]
pub(crate) async fn get_invitation(
    State(app): State<App>,
    caller: Caller,
    Path(code): Path<InviteCode>,
) -> ApiResult<Json<InvitationView>> {
    let found = app.mysql.invites().find_by_hash(&code.hash(), caller.id).await?;
    let (invite, group) = found.filter(|(invite, _)| invite.is_open(app.clock.now())).ok_or(Code::InviteNotFound)?;
    Ok(Json(view(invite, group)))
}

fn view(Invite { expires_at, .. }: Invite, group: ViewedGroup) -> InvitationView {
    let (is_member, room) = (is_member(&group), group.room);
    let (name, description, member_count, max_members) =
        (room.name, room.description, room.member_count, room.max_members);
    InvitationView { name, description, member_count, max_members, is_member, expires_at }
}

use crate::App;
use axum::extract::State;
use contract::{InviteView, IssuedInvite};
use credentials::InviteCode;
use domain::{Code, Fault, GroupAct, Invite, MOST_INVITES, RoomId, group};
use mysql::{NewInvite, Tx};
use std::time::Duration;
use tracing::instrument;
use web::{ApiResult, BodyProblems, Caller, CallerProblems, Created, Json, Path, StoreProblems};

web::problems!(InviteProblems: NotPermitted, RoomNotFound, TooManyInvites);

/// Makes an invite, by whose code anybody can join the group.
///
/// The code is shown this once. The invite ends when whoever made it is staff of the group no more.
#[utoipa::path(
    post, path = "/group-rooms/{id}/invites", operation_id = "create_invite", tag = "group-rooms", security(("bearer" = [])),
    params(("id" = RoomId, Path, description = "The group's id.", example = 7)),
    request_body = contract::NewInvite,
    responses(
        (status = 201, description = "The new invite.", body = IssuedInvite),
        InviteProblems, BodyProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id, room.id = %room))]
pub(crate) async fn create_invite(
    State(app): State<App>,
    caller: Caller,
    Path(room): Path<RoomId>,
    Json(new): Json<contract::NewInvite>,
) -> ApiResult<Created<IssuedInvite>> {
    let (expires_in, max_uses) = new.parse()?;
    let (code, at) = (InviteCode::generate(app.backend.random), app.clock.now());
    let expires_at = expires_in.map(|seconds| at.plus(Duration::from_secs(seconds.into())));
    let command = NewInvite { room, by: caller.id, code_hash: code.hash(), expires_at, max_uses, at };
    let invite = make(&app, command).await?;
    Ok(Created(IssuedInvite { invite: view(&invite), url: app.url_of(&code), code: code.reveal() }))
}

async fn make(app: &App, command: NewInvite) -> Result<Invite, Fault> {
    let found = app.mysql.groups().find(command.room, command.by).await?.ok_or(Code::RoomNotFound)?;
    group::actor(found.of.as_ref())?.role.may(GroupAct::Invite)?;
    refuse_many(app.mysql.invites().count(command.room).await?)?;
    app.mysql.transact(command, insert_invite).await
}

async fn insert_invite(tx: &mut Tx, command: NewInvite) -> Result<Invite, Fault> {
    let NewInvite { room, by, expires_at, max_uses, at, .. } = command;
    tx.users().lock(&[by]).await?;
    tx.groups().lock(room).await?.ok_or(Code::RoomNotFound)?;
    let of = tx.members().find(room, by).await?;
    group::actor(of.as_ref())?.role.may(GroupAct::Invite)?;
    refuse_many(tx.invites().count(room).await?)?;
    let id = tx.invites().insert(&command).await?;
    Ok(Invite { id, room, by, expires_at, max_uses, uses: 0, is_revoked: false, created_at: at })
}

fn refuse_many(invites: i64) -> Result<(), Code> {
    if invites < MOST_INVITES { Ok(()) } else { Err(Code::TooManyInvites) }
}

/// An invite as staff of the group see it.
pub(crate) fn view(invite: &Invite) -> InviteView {
    let Invite { id, by: created_by, expires_at, max_uses, uses, created_at, .. } = *invite;
    InviteView { id, created_by, expires_at, max_uses, uses, created_at }
}

use crate::{App, create_invite::view};
use axum::extract::State;
use contract::{InviteView, Listed, PageQuery};
use domain::{Code, GroupAct, InviteId, RoomId, group};
use tracing::instrument;
use web::{ApiResult, Caller, CallerProblems, Json, Path, Query, QueryProblems, StoreProblems};

web::problems!(InvitesProblems: NotPermitted, RoomNotFound);

/// Lists the invites of a group that are not revoked, the newest first.
///
/// Late and used ones are listed too.
#[utoipa::path(
    get, path = "/group-rooms/{id}/invites", operation_id = "list_invites", tag = "group-rooms", security(("bearer" = [])),
    params(("id" = RoomId, Path, description = "The group's id.", example = 7), PageQuery),
    responses(
        (status = 200, description = "A page of invites.", body = Listed<InviteView>),
        InvitesProblems, QueryProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id, room.id = %id))]
pub(crate) async fn list_invites(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<RoomId>,
    Query(query): Query<PageQuery>,
) -> ApiResult<Json<Listed<InviteView>>> {
    let (size, before) = query.parse::<InviteId>()?;
    let found = app.mysql.groups().find(id, caller.id).await?.ok_or(Code::RoomNotFound)?;
    group::actor(found.of.as_ref())?.role.may(GroupAct::Invite)?;
    let page = app.mysql.invites().list(id, before, size).await?;
    Ok(Json(Listed::of(page, |invite| view(&invite))?))
}

use crate::App;
use axum::extract::State;
use contract::{BanView, Listed, PageQuery, ParticipantView};
use domain::{Code, GroupAct, MembershipState, RoomId, UserId, group};
use mysql::GroupMember;
use tracing::instrument;
use web::{ApiResult, Caller, CallerProblems, Json, Path, Query, QueryProblems, StoreProblems};

web::problems!(BansProblems: NotPermitted, RoomNotFound);

/// Lists the people who are banned from a group, by id.
#[utoipa::path(
    get, path = "/group-rooms/{id}/bans", operation_id = "list_bans", tag = "group-rooms", security(("bearer" = [])),
    params(("id" = RoomId, Path, description = "The group's id.", example = 7), PageQuery),
    responses(
        (status = 200, description = "A page of bans.", body = Listed<BanView>),
        BansProblems, QueryProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id, room.id = %id))]
pub(crate) async fn list_bans(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<RoomId>,
    Query(query): Query<PageQuery>,
) -> ApiResult<Json<Listed<BanView>>> {
    let (size, after) = query.parse::<UserId>()?;
    let found = app.mysql.groups().find(id, caller.id).await?.ok_or(Code::RoomNotFound)?;
    group::actor(found.of.as_ref())?.role.may(GroupAct::Ban)?;
    let page = app.mysql.members().page(id, caller.id, MembershipState::Banned, after, size).await?;
    Ok(Json(Listed::of(page, view)?))
}

fn view(GroupMember { user, changed_at: banned_at, .. }: GroupMember) -> BanView {
    BanView { user: ParticipantView::from(user), banned_at }
}

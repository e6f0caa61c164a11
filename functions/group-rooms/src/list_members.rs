use crate::{App, view::listed_member};
use axum::extract::State;
use contract::{Listed, MemberView, MembersQuery};
use domain::{Code, Fault, MembershipState, NameQuery, RoomId, UserId, group};
use mongo::Bucket;
use mysql::ViewedGroup;
use tracing::instrument;
use web::{ApiResult, Bearer, CallerProblems, Gatekeeper, Json, Path, Query, QueryProblems, StoreProblems};

web::problems!(MembersProblems: RoomNotFound);

/// Lists the members of a group of the caller's, by id.
///
/// With `q` it finds those whose name begins with it. People who have blocked the caller are listed like deleted accounts, and not
/// found by name.
#[utoipa::path(
    get, path = "/group-rooms/{id}/members", operation_id = "list_members", tag = "group-rooms", security(("bearer" = [])),
    params(("id" = RoomId, Path, description = "The group's id.", example = 7), MembersQuery),
    responses(
        (status = 200, description = "A page of members.", body = Listed<MemberView>),
        MembersProblems, QueryProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %bearer.id, room.id = %id))]
pub(crate) async fn list_members(
    State(app): State<App>,
    State(gate): State<Gatekeeper>,
    bearer: Bearer,
    Path(id): Path<RoomId>,
    Query(query): Query<MembersQuery>,
) -> ApiResult<Json<Listed<MemberView>>> {
    let (size, after) = contract::page::<UserId>(query.limit, query.cursor.as_deref())?;
    let name = query.q.as_deref().map(NameQuery::parse).transpose().map_err(|reason| Fault::field("q", reason))?;
    let (groups, members) = (|| app.mysql.groups(), || app.mysql.members());
    let Some(name) = name else {
        admit(bearer.read(&gate, groups().find(id, bearer.id)).await?)?;
        let page = members().page(id, bearer.id, MembershipState::Active, after, size).await?;
        return Ok(Json(Listed::of(page, listed_member)?));
    };
    bearer.spend(&app.mongo, Bucket::Searches, app.backend.limits.searches).await?;
    admit(groups().find(id, bearer.id).await?)?;
    Ok(Json(Listed::of(members().search(id, bearer.id, &name, after, size).await?, listed_member)?))
}

/// Refuses whoever is not a member.
fn admit(found: Option<ViewedGroup>) -> Result<(), Code> {
    group::actor(found.ok_or(Code::RoomNotFound)?.of.as_ref()).map(drop)
}

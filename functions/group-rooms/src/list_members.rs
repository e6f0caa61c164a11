use crate::{App, view::listed_member};
use axum::extract::State;
use contract::{Listed, MemberView, MembersQuery};
use domain::{Code, Fault, MembershipState, NameQuery, RoomId, UserId, group};
use mongo::Bucket;
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
    let found = match &name {
        None => bearer.read(&gate, app.mysql.groups().find(id, bearer.id)).await?,
        Some(_) => {
            bearer.spend(&app.mongo, Bucket::Searches, app.backend.limits.searches).await?;
            app.mysql.groups().find(id, bearer.id).await?
        }
    };
    group::actor(found.ok_or(Code::RoomNotFound)?.of.as_ref())?;
    let page = match name {
        None => app.mysql.members().page(id, bearer.id, MembershipState::Active, after, size).await?,
        Some(name) => app.mysql.members().search(id, bearer.id, &name, after, size).await?,
    };
    Ok(Json(Listed::of(page, listed_member)?))
}

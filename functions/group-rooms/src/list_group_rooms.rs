use crate::{
    App,
    view::{outside, views},
};
use axum::extract::State;
use contract::{GroupRoomView, GroupRoomsQuery, GroupScope, Listed};
use domain::{Fault, Invalid, NameQuery, Page, RoomId, RoomKind};
use mongo::{ActivityKey, Bucket, RoomPage};
use mysql::GroupNameKey;
use tracing::instrument;
use web::{ApiResult, Bearer, CallerProblems, Gatekeeper, Json, Query, QueryProblems, StoreProblems};

/// Lists the caller's groups, the newest activity first, or public ones.
///
/// A group that becomes active while the client pages moves to the first page. Public groups are listed by id, without messages;
/// with `q` those whose name begins with it, or a word of it, by name.
#[utoipa::path(
    get, path = "/group-rooms", operation_id = "list_group_rooms", tag = "group-rooms", security(("bearer" = [])),
    params(GroupRoomsQuery),
    responses(
        (status = 200, description = "A page of groups.", body = Listed<GroupRoomView>),
        QueryProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %bearer.id))]
pub(crate) async fn list_group_rooms(
    State(app): State<App>,
    State(gate): State<Gatekeeper>,
    bearer: Bearer,
    Query(query): Query<GroupRoomsQuery>,
) -> ApiResult<Json<Listed<GroupRoomView>>> {
    let listed = match (query.scope.unwrap_or(GroupScope::Mine), &query.q) {
        (GroupScope::Mine, None) => list_mine(&app, &gate, &bearer, &query).await,
        (GroupScope::Mine, Some(_)) => Err(Fault::field("q", Invalid::Unsupported)),
        (GroupScope::Public, None) => list_public(&app, &gate, &bearer, &query).await,
        (GroupScope::Public, Some(q)) => search_public(&app, &bearer, q, &query).await,
    };
    Ok(Json(listed?))
}

type Groups = Result<Listed<GroupRoomView>, Fault>;

async fn list_mine(app: &App, gate: &Gatekeeper, bearer: &Bearer, query: &GroupRoomsQuery) -> Groups {
    let (size, before) = contract::page::<ActivityKey>(query.limit, query.cursor.as_deref())?;
    let page = app.mongo.rooms().list(bearer.id, RoomKind::Group, before.as_ref(), size);
    let RoomPage { rooms: Page { items, next }, quotes } = bearer.read(gate, page).await?;
    let ids: Vec<_> = items.iter().map(|summary| summary.room.id).collect();
    let rooms = app.mysql.groups().list(&ids, bearer.id).await?;
    Listed::of(Page { items: views(rooms, items, &quotes), next }, |view| view)
}

async fn list_public(app: &App, gate: &Gatekeeper, bearer: &Bearer, query: &GroupRoomsQuery) -> Groups {
    let (size, after) = contract::page::<RoomId>(query.limit, query.cursor.as_deref())?;
    let page = app.mysql.groups().list_public(bearer.id, after, size);
    Listed::of(bearer.read(gate, page).await?, outside)
}

async fn search_public(app: &App, bearer: &Bearer, q: &str, query: &GroupRoomsQuery) -> Groups {
    let (size, after) = contract::page::<GroupNameKey>(query.limit, query.cursor.as_deref())?;
    let name = NameQuery::parse(q).map_err(|reason| Fault::field("q", reason))?;
    bearer.spend(&app.mongo, Bucket::Searches, app.backend.limits.searches).await?;
    Listed::of(app.mysql.groups().search_public(&name, bearer.id, after.as_ref(), size).await?, outside)
}

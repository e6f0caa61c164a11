use crate::{App, view::views};
use axum::extract::State;
use contract::{ChatRoomView, Listed, PageQuery};
use domain::{Page, RoomKind};
use mongo::{ActivityKey, RoomPage};
use tracing::instrument;
use web::{ApiResult, Bearer, CallerProblems, Gatekeeper, Json, Query, QueryProblems, StoreProblems};

/// Lists the caller's rooms, the newest activity first.
///
/// A room that becomes active while the client pages moves to the first page.
#[utoipa::path(
    get, path = "/chat-rooms", operation_id = "list_chat_rooms", tag = "chat-rooms", security(("bearer" = [])),
    params(PageQuery),
    responses(
        (status = 200, description = "A page of rooms.", body = Listed<ChatRoomView>),
        QueryProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %bearer.id))]
pub(crate) async fn list_chat_rooms(
    State(app): State<App>,
    State(gate): State<Gatekeeper>,
    bearer: Bearer,
    Query(query): Query<PageQuery>,
) -> ApiResult<Json<Listed<ChatRoomView>>> {
    let (size, before) = query.parse::<ActivityKey>()?;
    let (mysql, mongo) = (&app.projector.mysql, &app.projector.mongo);
    let page = mongo.rooms().list(bearer.id, RoomKind::Private, before.as_ref(), size);
    let RoomPage { rooms: Page { items, next }, quotes } = bearer.read(&gate, page).await?;
    let ids: Vec<_> = items.iter().map(|summary| summary.room.id).collect();
    let rooms = mysql.private_rooms().list(&ids, bearer.id).await?;
    let page = Page { items: views(rooms, items, &quotes), next };
    Ok(Json(Listed::of(page, |view| view)?))
}

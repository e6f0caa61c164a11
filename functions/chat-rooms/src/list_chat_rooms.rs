use crate::{
    App,
    view::{ChatRoomView, views},
};
use axum::extract::State;
use domain::{Page, RoomKind};
use mongo::ActivityKey;
use tracing::instrument;
use web::{ApiResult, Caller, CallerProblems, Json, Listed, PageQuery, Query, QueryProblems, StoreProblems};

/// Lists the caller's rooms, the newest activity first. A room that becomes active while somebody pages stands on the first
/// page by then.
///
/// At most four round trips, however long the page is: the caller's session; the rooms with last messages and unread counts;
/// the people in them; the messages that last messages answer.
#[utoipa::path(
    get, path = "/chat-rooms", operation_id = "list_chat_rooms", tag = "chat-rooms", security(("bearer" = [])),
    params(PageQuery),
    responses(
        (status = 200, description = "A page of rooms", body = Listed<ChatRoomView>),
        QueryProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id))]
pub(crate) async fn list_chat_rooms(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<PageQuery>,
) -> ApiResult<Json<Listed<ChatRoomView>>> {
    let (size, before) = query.parse::<ActivityKey>()?;
    let (mysql, mongo) = (&app.projector.mysql, &app.projector.mongo);
    let Page { items, next } = mongo.list_rooms(caller.id, RoomKind::Private, before.as_ref(), size).await?;
    let ids: Vec<_> = items.iter().map(|summary| summary.room.id).collect();
    let rooms = mysql.private_rooms().list(&ids, caller.id).await?;
    let page = Page { items: views(mongo, rooms, items).await?, next };
    Ok(Json(Listed::of(page, |view| view)?))
}

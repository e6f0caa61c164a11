use crate::App;
use axum::extract::State;
use contract::{Listed, PageQuery, UnreadView};
use domain::RoomKey;
use mongo::UnreadRoom;
use tracing::instrument;
use web::{ApiResult, Bearer, CallerProblems, Gatekeeper, Json, Query, QueryProblems, StoreProblems};

/// Lists the caller's rooms that have unread messages.
///
/// A page may have fewer rooms than asked for, or none, and still have a next one: go on until `next_cursor` is null.
#[utoipa::path(
    get, path = "/messages/unread", operation_id = "list_unread", tag = "messages", security(("bearer" = [])),
    params(PageQuery),
    responses(
        (status = 200, description = "A page of rooms.", body = Listed<UnreadView>),
        QueryProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %bearer.id))]
pub(crate) async fn list_unread(
    State(app): State<App>,
    State(gate): State<Gatekeeper>,
    bearer: Bearer,
    Query(query): Query<PageQuery>,
) -> ApiResult<Json<Listed<UnreadView>>> {
    let (size, after) = query.parse::<RoomKey>()?;
    let mongo = &app.messenger.mongo;
    let page = bearer.read(&gate, mongo.rooms().list_unread(bearer.id, after, size)).await?;
    Ok(Json(Listed::of(page, view)?))
}

fn view(unread: UnreadRoom) -> UnreadView {
    let UnreadRoom { room, read_seq, unread, .. } = unread;
    UnreadView { room_id: room.id, room_type: room.kind, unread_count: unread, read_seq }
}

use crate::App;
use axum::extract::State;
use domain::{RoomId, RoomKey, RoomKind, Seq};
use mongo::RoomSummary;
use serde::Serialize;
use tracing::instrument;
use utoipa::ToSchema;
use web::{ApiResult, Caller, CallerProblems, Json, Listed, PageQuery, Query, QueryProblems, StoreProblems};

/// A room with messages that the caller has not read.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UnreadView {
    /// The room's number.
    #[schema(value_type = i32, example = 12)]
    room_id: RoomId,
    /// Which numbering `room_id` belongs to.
    #[schema(value_type = String, example = "private")]
    room_type: RoomKind,
    /// How many, without the caller's own and deleted ones; 100 means 99 and more.
    #[schema(example = 2)]
    unread_count: i32,
    /// The newest message read.
    #[schema(value_type = i64, example = 416)]
    read_seq: Seq,
}

/// Lists the caller's rooms that have unread messages. Two round trips: the caller's session and the page.
#[utoipa::path(
    get, path = "/messages/unread", operation_id = "list_unread", tag = "messages", security(("bearer" = [])),
    params(PageQuery),
    responses(
        (status = 200, description = "A page of rooms", body = Listed<UnreadView>),
        QueryProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id))]
pub(crate) async fn list_unread(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<PageQuery>,
) -> ApiResult<Json<Listed<UnreadView>>> {
    let (size, after) = query.parse::<RoomKey>()?;
    let page = app.mongo.list_unread(caller.id, after, size).await?;
    Ok(Json(Listed::of(page, UnreadView::from)?))
}

impl From<RoomSummary> for UnreadView {
    fn from(summary: RoomSummary) -> Self {
        let RoomSummary { room, read_seq, unread, .. } = summary;
        Self { room_id: room.id, room_type: room.kind, unread_count: unread, read_seq }
    }
}

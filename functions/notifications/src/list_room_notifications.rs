use crate::App;
use axum::extract::State;
use contract::{Listed, PageQuery, RoomNotificationsView};
use domain::RoomKey;
use tracing::instrument;
use web::{ApiResult, Caller, CallerProblems, Json, Query, QueryProblems, StoreProblems};

/// Lists the rooms in which the caller wants something otherwise than everywhere.
///
/// A page may have fewer rooms than asked for, or none, and still have a next one: go on until `next_cursor` is null.
#[utoipa::path(
    get, path = "/notifications/rooms", operation_id = "list_room_notifications", tag = "notifications",
    security(("bearer" = [])),
    params(PageQuery),
    responses(
        (status = 200, description = "A page of rooms.", body = Listed<RoomNotificationsView>),
        QueryProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id))]
pub(crate) async fn list_room_notifications(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<PageQuery>,
) -> ApiResult<Json<Listed<RoomNotificationsView>>> {
    let (size, after) = query.parse::<RoomKey>()?;
    let page = app.mongo.notifications().list_of_rooms(caller.id, after, size).await?;
    Ok(Json(Listed::of(page, |(room, settings)| RoomNotificationsView::of(room, settings))?))
}

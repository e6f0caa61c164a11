use crate::{
    App,
    get_room_notifications::{RoomPath, RoomProblems},
};
use axum::extract::State;
use contract::{NewRoomNotifications, RoomNotificationsView};
use domain::RoomKey;
use mongo::Bucket;
use tracing::instrument;
use web::{ApiResult, Bearer, BodyProblems, CallerProblems, Json, Path, StoreProblems};

/// Replaces what the caller is notified of in a room.
///
/// A muted room is silent for mentions too; they are counted all the same. Nobody else learns of it.
#[utoipa::path(
    put, path = "/notifications/rooms/{room_type}/{room_id}", operation_id = "put_room_notifications",
    tag = "notifications", security(("bearer" = [])),
    params(RoomPath),
    request_body = NewRoomNotifications,
    responses(
        (status = 200, description = "The new settings.", body = RoomNotificationsView),
        RoomProblems, BodyProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id, room = %room))]
pub(crate) async fn put_room_notifications(
    State(app): State<App>,
    caller: Bearer,
    Path(room): Path<RoomKey>,
    Json(settings): Json<NewRoomNotifications>,
) -> ApiResult<Json<RoomNotificationsView>> {
    let settings = settings.parse()?;
    caller.spend(&app.mongo, Bucket::Notifications, app.limits.notifications).await?;
    app.require_member(room, caller.id).await?;
    app.mongo.notifications().replace_of_room(room, caller.id, settings).await?;
    Ok(Json(RoomNotificationsView::of(room, settings)))
}

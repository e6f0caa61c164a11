use crate::{
    App,
    get_room_notifications::{RoomPath, RoomProblems},
};
use axum::extract::State;
use domain::{RoomKey, notification::RoomSettings};
use tracing::instrument;
use web::{ApiResult, Caller, CallerProblems, NoContent, Path, StoreProblems};

/// Lets a room be as everywhere.
#[utoipa::path(
    delete, path = "/notifications/rooms/{room_type}/{room_id}", operation_id = "delete_room_notifications",
    tag = "notifications", security(("bearer" = [])),
    params(RoomPath),
    responses(
        (status = 204, description = "The room has no settings of its own."), RoomProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id, room = %room))]
pub(crate) async fn delete_room_notifications(
    State(app): State<App>,
    caller: Caller,
    Path(room): Path<RoomKey>,
) -> ApiResult<NoContent> {
    app.require_member(room, caller.id).await?;
    app.mongo.notifications().replace_of_room(room, caller.id, RoomSettings::default()).await?;
    Ok(NoContent)
}

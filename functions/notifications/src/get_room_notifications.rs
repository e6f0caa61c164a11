use crate::App;
use axum::extract::State;
use contract::RoomNotificationsView;
use domain::RoomKey;
use tracing::instrument;
use utoipa::IntoParams;
use web::{ApiResult, Caller, CallerProblems, Json, Path, StoreProblems};

web::problems!(pub(crate) RoomProblems: RoomNotFound);

/// The room of a path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "it says what `Path<RoomKey>` reads")]
pub(crate) struct RoomPath {
    /// The room's kind.
    #[param(example = "private")]
    room_type: domain::RoomKind,
    /// The room's id.
    #[param(example = 12)]
    room_id: domain::RoomId,
}

/// Returns what the caller is notified of in a room.
#[utoipa::path(
    get, path = "/notifications/rooms/{room_type}/{room_id}", operation_id = "get_room_notifications",
    tag = "notifications", security(("bearer" = [])),
    params(RoomPath),
    responses(
        (status = 200, description = "The settings.", body = RoomNotificationsView),
        RoomProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id, room = %room))]
pub(crate) async fn get_room_notifications(
    State(app): State<App>,
    caller: Caller,
    Path(room): Path<RoomKey>,
) -> ApiResult<Json<RoomNotificationsView>> {
    app.require_member(room, caller.id).await?;
    let settings = app.mongo.notifications().find_of_room(room, caller.id).await?;
    Ok(Json(RoomNotificationsView::of(room, settings)))
}

use crate::App;
use axum::extract::State;
use contract::{ReadCursor, ReadUpTo};
use domain::RoomKey;
use messaging::MarkRead;
use tracing::instrument;
use web::{ApiResult, BodyProblems, Caller, CallerProblems, Json, StoreProblems};

web::problems!(ReadProblems: RoomNotFound);

/// Marks a room's messages as read, up to a `seq`.
///
/// The cursor never moves back.
#[utoipa::path(
    post, path = "/messages/read", operation_id = "read_messages", tag = "messages", security(("bearer" = [])),
    request_body = ReadUpTo,
    responses(
        (status = 200, description = "The cursor and the number of later messages.", body = ReadCursor),
        ReadProblems, BodyProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id, room.id = %read.room_id))]
pub(crate) async fn read_messages(
    State(app): State<App>,
    caller: Caller,
    Json(read): Json<ReadUpTo>,
) -> ApiResult<Json<ReadCursor>> {
    let room = RoomKey { kind: read.room_type, id: read.room_id };
    let command = MarkRead { room, user: caller.id, seq: read.seq };
    Ok(Json(messaging::mark_read(&app.messenger, command, None).await?))
}

use crate::App;
use axum::extract::State;
use domain::{RoomId, RoomKey, RoomKind, Seq};
use messaging::MarkRead;
use realtime::ReadCursor;
use serde::Deserialize;
use tracing::instrument;
use utoipa::ToSchema;
use web::{ApiResult, BodyProblems, Caller, CallerProblems, Json, StoreProblems};

/// How far the caller has read.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReadUpTo {
    /// The room's number.
    #[schema(value_type = i32, example = 12)]
    room_id: RoomId,
    /// Which numbering `room_id` belongs to: `private` or `group`.
    #[schema(value_type = String, example = "private")]
    room_type: RoomKind,
    /// The `seq` of the newest message read; a higher one than there is stands for the room's newest.
    #[schema(value_type = i64, example = 418)]
    seq: Seq,
}

web::problems!(ReadProblems: RoomNotFound);

/// Notes how far the caller has read in a room. The cursor never moves back.
///
/// Four round trips: the caller's session, and those of `messaging::mark_read`; three more and the pushes where it moved.
#[utoipa::path(
    post, path = "/messages/read", operation_id = "read_messages", tag = "messages", security(("bearer" = [])),
    request_body = ReadUpTo,
    responses(
        (status = 200, description = "Where the cursor is, and what has come since", body = ReadCursor),
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
    Ok(Json(messaging::mark_read(app.messenger(), &app.pusher, command, None).await?))
}

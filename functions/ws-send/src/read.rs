use crate::App;
use domain::{Fault, RoomKey, Seq};
use messaging::MarkRead;
use mongo::Connection;
use realtime::FramePayload;
use serde::Deserialize;
use utoipa::ToSchema;

/// How far one has read.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Read {
    /// Which room.
    #[schema(value_type = String, example = "private:12")]
    room: RoomKey,
    /// The newest message read; a higher one than there is stands for the room's newest.
    #[schema(value_type = i64)]
    seq: Seq,
}

/// Notes how far one has read; the round trips of `messaging::mark_read`.
pub(crate) async fn read(app: &App, connection: &Connection, read: Read) -> Result<FramePayload, Fault> {
    let command = MarkRead { room: read.room, user: connection.user, seq: read.seq };
    let cursor = messaging::mark_read(app.messenger(), &app.pusher, command, Some(&connection.id)).await?;
    Ok(FramePayload::ReadAck(cursor))
}

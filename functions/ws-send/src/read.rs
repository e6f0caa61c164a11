use crate::App;
use contract::{Ack, FramePayload, ReadFrame};
use domain::Fault;
use messaging::MarkRead;
use mongo::Connection;

/// Marks messages as read.
pub(crate) async fn read(
    app: &App,
    connection: &Connection,
    read: ReadFrame,
    asked: bool,
) -> Result<Option<FramePayload>, Fault> {
    let command = MarkRead { room: read.room, user: connection.user, seq: read.seq };
    let cursor = messaging::mark_read(&app.messenger, command, Some(&connection.id)).await?;
    Ok(asked.then_some(FramePayload::Ack(Ack::Read(cursor))))
}

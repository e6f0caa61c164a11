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
    let (messenger, from) = (&app.messenger, Some(&connection.id));
    if !asked {
        messaging::note_read(messenger, command, from).await?;
        return Ok(None);
    }
    let cursor = messaging::mark_read(messenger, command, from).await?;
    Ok(Some(FramePayload::Ack(Ack::Read(cursor))))
}

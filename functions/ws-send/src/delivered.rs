use crate::{App, done};
use contract::{DeliveredFrame, FramePayload};
use domain::Fault;
use messaging::MarkRead;
use mongo::Connection;

/// Notes that the messages of a private room have arrived.
pub(crate) async fn delivered(
    app: &App,
    connection: &Connection,
    delivered: DeliveredFrame,
    asked: bool,
) -> Result<Option<FramePayload>, Fault> {
    let command = MarkRead { room: delivered.room, user: connection.user, seq: delivered.seq };
    messaging::note_delivered(&app.messenger, command, Some(&connection.id)).await?;
    Ok(done(asked))
}

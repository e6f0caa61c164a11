use crate::App;
use contract::{Ack, Acknowledged, FramePayload, MessageView, NewMessage, SendFrame};
use domain::{ClientId, Fault};
use mongo::Connection;

/// Sends a message.
pub(crate) async fn send(app: &App, connection: &Connection, frame: SendFrame) -> Result<FramePayload, Fault> {
    let read = frame.read_seq;
    let draft = NewMessage::from(frame).into_draft(connection.user, || ClientId::generate(app.random))?;
    let sent = messaging::send_message_after(&app.messenger, &app.author(connection), &draft, read).await?;
    Ok(acknowledge(sent.message, sent.duplicate))
}

/// The `ack` of a change.
pub(crate) fn acknowledge(message: MessageView, dup: bool) -> FramePayload {
    let (id, seq, rev) = (message.id, message.seq, message.rev);
    FramePayload::Ack(Ack::Message(Box::new(Acknowledged { id, seq, rev, dup, message })))
}

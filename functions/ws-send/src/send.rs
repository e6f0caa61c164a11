use crate::App;
use domain::{ClientId, Content, Fault, MessageDraft, MessageId, MessageType, RoomKey, UserId};
use mongo::Connection;
use realtime::{Acknowledged, FramePayload, MessageView};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Send {
    room: RoomKey,
    client_id: String,
    content: String,
    message_type: Option<MessageType>,
    reply_to: Option<MessageId>,
}

/// Sends a message; the round trips of `messaging::send_message`.
pub(crate) async fn send(app: &App, connection: &Connection, request: Send) -> Result<FramePayload, Fault> {
    let draft = request.into_draft(connection.user)?;
    let sent = messaging::send_message(app.messenger(), &app.pusher, &draft, Some(&connection.id)).await?;
    Ok(acknowledge(MessageView::from(sent.message), sent.duplicate))
}

impl Send {
    fn into_draft(self, user: UserId) -> Result<MessageDraft, Fault> {
        let (content, message_type, client_id) = domain::fields((
            ("content", Content::parse(&self.content)),
            ("message_type", self.message_type.unwrap_or(MessageType::Text).sendable()),
            ("client_id", ClientId::parse(&self.client_id)),
        ))?;
        Ok(MessageDraft { room: self.room, user, content, message_type, reply_to: self.reply_to, client_id })
    }
}

/// The `ack` of a change.
pub(crate) fn acknowledge(message: MessageView, dup: bool) -> FramePayload {
    FramePayload::Ack(Box::new(Acknowledged { id: message.id, seq: message.seq, rev: message.rev, dup, message }))
}

use crate::App;
use domain::{ClientId, Content, Fault, MessageDraft, MessageId, MessageType, RoomKey, UserId};
use mongo::Connection;
use realtime::{Acknowledged, FramePayload, MessageView};
use serde::Deserialize;
use utoipa::ToSchema;

/// A message that is to be sent.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Send {
    /// Where to.
    #[schema(value_type = String, example = "private:12")]
    room: RoomKey,
    /// 1 to 64 visible ASCII characters: a retry under the same one is the same message.
    #[schema(example = "01J9ZQ4Z7Y")]
    client_id: String,
    /// 1 to 5,000 characters, at most 16 KiB as JSON.
    #[schema(example = "안녕")]
    content: String,
    /// `text`, which is also the default.
    #[schema(value_type = Option<String>)]
    message_type: Option<MessageType>,
    /// The message of the same room that it answers.
    #[schema(value_type = Option<String>)]
    reply_to: Option<MessageId>,
}

/// Sends a message; the round trips of `messaging::send_message`.
pub(crate) async fn send(app: &App, connection: &Connection, request: Send) -> Result<FramePayload, Fault> {
    let draft = request.into_draft(connection.user)?;
    let sent = messaging::send_message(app.messenger(), &app.pusher, &draft, Some(&connection.id)).await?;
    Ok(acknowledge(sent.message, sent.duplicate))
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

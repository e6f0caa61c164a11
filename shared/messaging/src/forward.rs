use crate::{
    Author, Messenger,
    mention::Named,
    own::readable,
    send::{Request, Sent, find_earlier},
};
use domain::{ClientId, Code, Content, Fault, Invalid, Message, MessageDraft, MessageId, MessageType, RoomKey};
use mongo::{Bucket, Passage};
use std::collections::HashMap;
use tokio::time::Instant;

/// A request to forward a message to another room or to its own.
#[derive(Debug)]
pub struct ForwardMessage {
    /// The message to forward.
    pub message: MessageId,
    /// To which room.
    pub room: RoomKey,
    /// The client's id of the new message.
    pub client_id: ClientId,
}

/// Sends the text of a message that the person may read to a room where they may write, once per `client_id`.
///
/// The new message names the text's author but not the room that it comes from, and mentions nobody. A retry returns the same message
/// even if the source was edited or deleted.
pub async fn forward_message(
    messenger: &Messenger,
    author: &Author<'_>,
    command: &ForwardMessage,
) -> Result<Sent, Fault> {
    let (mongo, ForwardMessage { message, room, client_id }) = (&messenger.mongo, command);
    let begun = Instant::now();
    let (passage, earlier, source) = tokio::join!(
        mongo.gates().pass(author.user, author.session, Bucket::Sends, author.limits.sends),
        find_earlier(mongo, *room, author.user, client_id),
        mongo.messages().find(*message),
    );
    let (passage, earlier, source) = (passage?, earlier?, source?);
    if passage == Passage::SessionEnded {
        return Err(Code::Unauthenticated.into());
    }
    let parts: Vec<&[u8]> = vec![b"forward", &message.0, b""];
    let request = Request {
        messenger,
        author,
        room: *room,
        parts,
        begun,
        at: messenger.clock.now(),
        passage,
        quotes: HashMap::new(),
        reading: None,
    };
    if let Some(earlier) = earlier {
        return request.repeat(earlier).await;
    }
    // Rights are checked before the limit.
    let source = readable(messenger, source, author.user).await?.message;
    passage.admit()?;
    let draft = draft_of(&source, author, command)?;
    request.send(&draft, &[], &Named::default()).await
}

/// The draft of the new message. Only texts can be forwarded, since a file belongs to one message.
fn draft_of(source: &Message, author: &Author<'_>, command: &ForwardMessage) -> Result<MessageDraft, Fault> {
    if source.deleted_at.is_some() {
        return Err(Code::MessageNotFound.into());
    }
    let refused = |reason| Fault::field("message_type", reason);
    if source.message_type != MessageType::Text {
        return Err(refused(Invalid::Unsupported));
    }
    Ok(MessageDraft {
        room: command.room,
        user: author.user,
        message_type: MessageType::Text,
        content: Content::parse(&source.content).map_err(refused)?,
        reply_to: None,
        // Who wrote the text, however often it was forwarded.
        forwarded_from: Some(source.forwarded_from.unwrap_or(source.user)),
        attachments: Vec::new(),
        client_id: command.client_id.clone(),
    })
}

use crate::{
    Author, Messenger,
    change::{Change, change},
    mention::Named,
    order::{ATTEMPTS, contended},
    own::{answer_unchanged, own},
};
use contract::MessageView;
use domain::{Act, Code, Content, Fault, MessageId};
use mongo::{Bucket, Passage};

/// A new text for a message.
#[derive(Debug)]
pub struct EditMessage {
    /// The message to edit.
    pub message: MessageId,
    /// Its new text.
    pub content: Content,
}

/// Replaces the text of the author's own message; its files stay. Pushes the message to the room after the answer and returns it as
/// of the change.
///
/// An edit with the same text changes nothing.
pub async fn edit_message(
    messenger: &Messenger,
    author: &Author<'_>,
    command: &EditMessage,
) -> Result<MessageView, Fault> {
    let mongo = &messenger.mongo;
    let (passage, found, named) = tokio::join!(
        mongo.gates().pass(author.user, author.session, Bucket::Sends, author.limits.sends),
        mongo.messages().seen_by(author.user).find(command.message),
        Named::find(mongo, &command.content),
    );
    let (passage, named) = (passage?, named?);
    if passage == Passage::SessionEnded {
        return Err(Code::Unauthenticated.into());
    }
    // Rights are checked before the limit.
    let mut stored = own(messenger, found?, author.user).await?;
    passage.admit()?;
    let fits = command.content.fits(stored.message.message_type);
    fits.map_err(|reason| Fault::field("content", reason))?;
    for _ in 0..ATTEMPTS {
        if stored.message.deleted_at.is_some() {
            return Err(Code::MessageNotFound.into());
        }
        if stored.message.content == command.content.as_str() {
            return answer_unchanged(messenger, author, stored, Act::Write).await;
        }
        let edit = Change::Edit(&command.content, &named);
        if let Some(edited) = change(messenger, author, &stored.message, edit).await? {
            return Ok(edited);
        }
        let again = mongo.messages().seen_by(author.user).find(command.message).await?;
        stored = own(messenger, again, author.user).await?;
    }
    Err(contended())
}

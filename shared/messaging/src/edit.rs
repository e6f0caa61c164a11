use crate::{
    Author, Messenger,
    order::{ATTEMPTS, Placed, contended, give_back, reserve, settle, stamp_freely},
    own::{find_rights, hide_room, own},
};
use contract::MessageView;
use domain::{Code, Content, Fault, MessageId};
use mongo::{Bucket, Passage, Placement};

/// A new text for a message.
#[derive(Debug)]
pub struct EditMessage {
    /// Which.
    pub message: MessageId,
    /// The text.
    pub content: Content,
}

/// Replaces the text of one's own message, which is pushed to the room after the answer; returns the message as of the change.
///
/// An edit that changes nothing leaves everything as it is.
pub async fn edit_message(
    messenger: &Messenger,
    author: &Author<'_>,
    command: &EditMessage,
) -> Result<MessageView, Fault> {
    let mongo = &messenger.mongo;
    let (passage, found) = tokio::join!(
        mongo.gates().pass(author.user, author.session, Bucket::Sends, author.limits.sends),
        mongo.messages().find(command.message),
    );
    let passage = passage?;
    if passage == Passage::SessionEnded {
        return Err(Code::Unauthenticated.into());
    }
    // Whoever may not edit it learns that before they learn of a limit.
    let mut stored = own(messenger, found?, author.user).await?;
    passage.admit()?;
    for _ in 0..ATTEMPTS {
        let message = stored.message;
        if message.deleted_at.is_some() {
            return Err(Code::MessageNotFound.into());
        }
        let answered = message.reply_to;
        let quotes = mongo.messages().list_quotes(answered.as_slice());
        if message.content == command.content.as_str() {
            find_rights(messenger, message.room, author.user).await?.admit_writer()?;
            return Ok(MessageView::of(message, &quotes.await?));
        }
        let reserved = reserve(messenger, message.room, author.user, Placement::Change);
        let (reservation, quotes) = tokio::join!(reserved, quotes);
        let reservation = reservation.map_err(hide_room)?;
        let mut causal = mongo.causal().await?;
        let now = messenger.clock.now();
        // An error leaves the outcome open: the entry stays until its age removes it, and the client hears 503.
        let edited = mongo.messages().edit(&mut causal, message.id, &command.content, &reservation, now).await?;
        if let Some(message) = edited {
            let placed = match settle(messenger, &mut causal, &message, &reservation).await {
                Some(recipients) => Placed { message, recipients, tries: 0 },
                None => stamp_freely(messenger, &mut causal, message, 0).await?,
            };
            return Ok(messenger.publish(placed, &quotes?, author.connection).await);
        }
        // A higher `rev` won, and nothing was written.
        give_back(messenger, message.room, &reservation).await;
        stored = own(messenger, mongo.messages().find(command.message).await?, author.user).await?;
    }
    Err(contended())
}

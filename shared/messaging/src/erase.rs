use crate::{
    Messenger,
    change::{Change, write},
    order::{ATTEMPTS, contended, reserve_freely},
};
use domain::{Emoji, Fault, Message, UserId};
use mongo::Placement;

/// Deletes a message of a deleted account and pushes the tombstone to the room's current members. Erasing again changes nothing.
pub async fn erase_message(messenger: &Messenger, mut message: Message) -> Result<(), Fault> {
    let messages = messenger.mongo.messages();
    for _ in 0..ATTEMPTS {
        // If the deleting request died, the sweep publishes the tombstone.
        if message.deleted_at.is_some() {
            return Ok(());
        }
        let reservation = reserve_freely(messenger, message.room, Placement::Deletion(message.id)).await?;
        if let Some(placed) = write(messenger, message.user, &message, Change::Deletion, &reservation).await? {
            let quotes = messages.list_quotes(placed.message.reply_to.as_slice()).await?;
            messenger.publish(placed, &quotes, None).await;
            return Ok(());
        }
        let Some(found) = messages.find(message.id).await? else { return Ok(()) };
        message = found.message;
    }
    Err(contended())
}

/// Removes the reactions of a deleted account from a message, which was read as that person sees it. Each removal is a change in the
/// room's order and is pushed to its current members.
pub async fn erase_reactions(messenger: &Messenger, user: UserId, mut message: Message) -> Result<(), Fault> {
    let messages = messenger.mongo.messages().seen_by(user);
    for _ in 0..ATTEMPTS {
        let mut theirs = message.reactions.iter().filter(|reaction| reaction.mine == Some(true));
        let Some(reaction) = theirs.next() else { return Ok(()) };
        let emoji = Emoji::parse(&reaction.emoji).map_err(|_| Fault::internal("a reaction that is no emoji"))?;
        let reservation = reserve_freely(messenger, message.room, Placement::Retraction).await?;
        if let Some(placed) = write(messenger, user, &message, Change::Retraction(emoji), &reservation).await? {
            let quotes = messages.list_quotes(placed.message.reply_to.as_slice()).await?;
            message = placed.message.clone();
            messenger.publish(placed, &quotes, None).await;
        } else {
            let Some(found) = messages.find(message.id).await? else { return Ok(()) };
            message = found.message;
        }
    }
    Err(contended())
}

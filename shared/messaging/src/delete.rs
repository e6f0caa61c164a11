use crate::{
    Author, Messenger,
    change::{Change, change},
    order::{ATTEMPTS, contended},
    own::{answer_unchanged, approach, find_again, find_rights},
};
use contract::MessageView;
use domain::{Act, Code, Fault, Message, MessageId, UserId};

/// Deletes the author's own message; the staff of a group may delete any message. Pushes the tombstone to the room after the answer
/// and returns it as of the change. Deleting again changes nothing. The author may delete despite a block or a deactivated peer.
pub async fn delete_message(
    messenger: &Messenger,
    author: &Author<'_>,
    message: MessageId,
) -> Result<MessageView, Fault> {
    let (mut stored, passage) = approach(messenger, author, message).await?;
    // Rights are checked before the limit.
    let act = act_of(&stored.message, author.user);
    if stored.message.system.is_some() {
        find_rights(messenger, stored.message.room, author.user).await?;
        return Err(Code::SystemMessage.into());
    }
    if act == Act::Moderate {
        find_rights(messenger, stored.message.room, author.user).await?.admit(act)?;
    }
    passage.admit()?;
    for _ in 0..ATTEMPTS {
        if stored.message.deleted_at.is_some() {
            return answer_unchanged(messenger, author, stored, act).await;
        }
        if let Some(deleted) = change(messenger, author, &stored.message, Change::Deletion).await? {
            messenger.clear_deleted(&stored.message).await;
            return Ok(deleted);
        }
        stored = find_again(messenger, author, message).await?;
    }
    Err(contended())
}

fn act_of(message: &Message, by: UserId) -> Act {
    if message.user == by { Act::Delete } else { Act::Moderate }
}

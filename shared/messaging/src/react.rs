use crate::{
    Author, Messenger,
    change::{Change, change},
    order::{ATTEMPTS, contended},
    own::{admit, answer_unchanged, approach, find_again, find_rights, refuse_unchangeable},
};
use contract::MessageView;
use domain::{Act, Code, Emoji, Fault, MOST_EMOJIS, MOST_REACTORS, MessageId, Page, PageSize, Reactor, UserId};
use mongo::{Mongo, ReactorKey};

/// A person reacts to a message.
#[derive(Debug, Clone, Copy)]
pub struct React {
    /// Which.
    pub message: MessageId,
    /// With what.
    pub emoji: Emoji,
    /// What is to become of the reaction.
    pub to: Reacted,
}

/// Whether a reaction is to be added or removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reacted {
    /// It is to be there.
    There,
    /// It is to be gone.
    Gone,
}

/// Adds or removes the person's reaction, pushes the message to the room after the answer and returns it as of the change. Repeating
/// it changes nothing.
pub async fn react(messenger: &Messenger, author: &Author<'_>, command: React) -> Result<MessageView, Fault> {
    let React { message, emoji, to } = command;
    let (act, wanted) = match to {
        Reacted::There => (Act::Write, Change::Reaction(emoji)),
        Reacted::Gone => (Act::Delete, Change::Retraction(emoji)),
    };
    let (mut stored, passage) = approach(messenger, author, message).await?;
    refuse_unchangeable(messenger, author, &stored, act).await?;
    admit(messenger, author, &stored, act, passage).await?;
    for _ in 0..ATTEMPTS {
        let there = &stored.message.reactions;
        let found = there.iter().find(|reaction| reaction.emoji == emoji.as_str());
        let is_mine = found.is_some_and(|reaction| reaction.mine == Some(true));
        if is_mine == (to == Reacted::There) {
            return answer_unchanged(messenger, author, stored, act).await;
        }
        let is_full = found.map_or(there.len() >= MOST_EMOJIS, |reaction| reaction.count >= MOST_REACTORS);
        if to == Reacted::There && is_full {
            find_rights(messenger, stored.message.room, author.user).await?.admit(act)?;
            return Err(Code::TooManyReactions.into());
        }
        if let Some(changed) = change(messenger, author, &stored.message, wanted).await? {
            return Ok(changed);
        }
        stored = find_again(messenger, author, message).await?;
        refuse_unchangeable(messenger, author, &stored, act).await?;
    }
    Err(contended())
}

/// A request for the reactions to a message.
#[derive(Debug, Clone, Copy)]
pub struct ListReactors {
    /// Which message.
    pub message: MessageId,
    /// By whom.
    pub user: UserId,
    /// With which emoji; all unless given.
    pub emoji: Option<Emoji>,
    /// How many at the most.
    pub size: PageSize,
}

/// Who reacted to a message, for the members of its room.
pub async fn list_reactors(
    mongo: &Mongo,
    query: ListReactors,
    after: Option<&ReactorKey>,
) -> Result<Page<Reactor, ReactorKey>, Fault> {
    let ListReactors { message, user, emoji, size } = query;
    Ok(mongo.messages().list_reactors(message, user, emoji, after, size).await?.ok_or(Code::MessageNotFound)?)
}

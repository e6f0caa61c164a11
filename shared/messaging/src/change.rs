use crate::{
    Author, Messenger,
    mention::Named,
    notify::News,
    order::{Placed, give_back, reserve, settle, stamp_freely},
    own::hide_room,
};
use contract::MessageView;
use domain::{Code, Content, Emoji, Fault, Message, UserId};
use mongo::{NewText, Placement, Reservation};

/// What is to become of a message.
#[derive(Clone, Copy)]
pub(crate) enum Change<'a> {
    Edit(&'a Content, &'a Named),
    Deletion,
    Reaction(Emoji),
    Retraction(Emoji),
    Pin,
    Unpin,
}

impl Change<'_> {
    /// What it takes in the room's order where somebody makes it of a message.
    pub(crate) fn placement(self, message: &Message, by: UserId) -> Placement {
        match self {
            Self::Edit(_, named) => named.placement_of_edit(message),
            Self::Reaction(_) => Placement::Change,
            Self::Deletion if message.user == by => Placement::Deletion(message.id),
            Self::Deletion => Placement::Moderation(message.id),
            Self::Retraction(_) => Placement::Retraction,
            Self::Pin => Placement::Pin(message.id),
            Self::Unpin => Placement::Unpin(message.id),
        }
    }
}

/// Changes a message and pushes it after the answer: reserve with the rights, write, release. `None` where a higher `rev` won, or
/// the change was not possible any more, and nothing was written.
pub(crate) async fn change(
    messenger: &Messenger,
    author: &Author<'_>,
    message: &Message,
    change: Change<'_>,
) -> Result<Option<MessageView>, Fault> {
    let (reservation, quotes) = tokio::join!(
        reserve(messenger, message.room, author.user, change.placement(message, author.user)),
        messenger.mongo.messages().list_quotes(message.reply_to.as_slice()),
    );
    let reservation = reservation.map_err(hide_room)?;
    let Some(placed) = write(messenger, author.user, message, change, &reservation).await? else { return Ok(None) };
    Ok(Some(messenger.publish(placed, &quotes?, author.connection).await))
}

/// Changes a message at its reserved position and releases that. `None` where a higher `rev` won, or the change was not possible any
/// more: the position is given back.
pub(crate) async fn write(
    messenger: &Messenger,
    by: UserId,
    message: &Message,
    change: Change<'_>,
    position: &Reservation,
) -> Result<Option<Placed>, Fault> {
    let messages = messenger.mongo.messages().seen_by(by);
    let mut session = messenger.mongo.causal().await?;
    let (causal, now) = (&mut session, messenger.clock.now());
    // An error leaves the outcome open: the entry stays until its age removes it, and the client hears 503.
    let id = message.id;
    let written = match change {
        Change::Edit(content, named) => {
            let mentions = &named.mentions(message.room, position);
            let (author, message_type) = (message.user, message.message_type);
            let text = NewText { author, message_type, content, mentions };
            messages.edit(causal, id, &text, position, now).await?
        }
        Change::Deletion => messages.delete(causal, id, position, now).await?,
        Change::Reaction(emoji) => messages.react(causal, id, by, emoji, position, now).await?,
        Change::Retraction(emoji) => messages.take_reaction_back(causal, id, by, emoji, position, now).await?,
        Change::Pin => messages.pin(causal, id, by, position, now).await?,
        Change::Unpin => messages.unpin(causal, id, position, now).await?,
    };
    let Some(written) = written else {
        give_back(messenger, message.room, position).await;
        return Ok(None);
    };
    Ok(Some(match settle(messenger, causal, &written.message, position).await {
        Some(recipients) => {
            let news = News::owed(&written, &position.members);
            Placed { message: written.message, recipients, tries: 0, news }
        }
        None => stamp_freely(messenger, causal, written.message, 0, Some(by)).await?.ok_or(Code::MessageNotFound)?,
    }))
}

use crate::{
    Author, Messenger,
    order::{Placed, give_back, reserve, settle, stamp_freely},
    own::hide_room,
};
use contract::MessageView;
use domain::{Content, Fault, Message};
use mongo::Placement;

/// What is to become of a message.
pub(crate) enum Change<'a> {
    Edit(&'a Content),
    Deletion,
}

impl Change<'_> {
    const fn placement(&self) -> Placement {
        match self {
            Self::Edit(_) => Placement::Change,
            Self::Deletion => Placement::Deletion,
        }
    }
}

/// Changes the author's message and pushes it after the answer: reserve, write, release. `None` where a higher `rev` won, and
/// nothing was written.
pub(crate) async fn change(
    messenger: &Messenger,
    author: &Author<'_>,
    message: &Message,
    change: Change<'_>,
) -> Result<Option<MessageView>, Fault> {
    let messages = messenger.mongo.messages();
    let (reservation, quotes) = tokio::join!(
        reserve(messenger, message.room, author.user, change.placement()),
        messages.list_quotes(message.reply_to.as_slice()),
    );
    let reservation = reservation.map_err(hide_room)?;
    let (mut causal, now) = (messenger.mongo.causal().await?, messenger.clock.now());
    // An error leaves the outcome open: the entry stays until its age removes it, and the client hears 503.
    let written = match change {
        Change::Edit(content) => messages.edit(&mut causal, message.id, content, &reservation, now).await?,
        Change::Deletion => messages.delete(&mut causal, message.id, &reservation, now).await?,
    };
    let Some(written) = written else {
        give_back(messenger, message.room, &reservation).await;
        return Ok(None);
    };
    let placed = match settle(messenger, &mut causal, &written, &reservation).await {
        Some(recipients) => Placed { message: written, recipients, tries: 0 },
        None => stamp_freely(messenger, &mut causal, written, 0).await?,
    };
    Ok(Some(messenger.publish(placed, &quotes?, author.connection).await))
}

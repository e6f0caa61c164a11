use crate::{
    Author, Messenger,
    change::{Change, change},
    order::{ATTEMPTS, contended, stamp_freely},
    own::{find_rights, own},
};
use contract::MessageView;
use domain::{Code, Fault, MessageId};
use mongo::{Bucket, Passage, Stored};

/// Empties one's own message, whose tombstone is pushed to the room after the answer; returns it as of the change. One that is
/// deleted stays so. Neither a block nor an account that is gone keeps its author from it.
pub async fn delete_message(
    messenger: &Messenger,
    author: &Author<'_>,
    message: MessageId,
) -> Result<MessageView, Fault> {
    let mongo = &messenger.mongo;
    let (passage, found) = tokio::join!(
        mongo.gates().pass(author.user, author.session, Bucket::Changes, author.limits.changes),
        mongo.messages().find(message),
    );
    let passage = passage?;
    if passage == Passage::SessionEnded {
        return Err(Code::Unauthenticated.into());
    }
    // Whoever may not delete it learns that before they learn of a limit.
    let mut stored = own(messenger, found?, author.user).await?;
    passage.admit()?;
    for _ in 0..ATTEMPTS {
        if stored.message.deleted_at.is_some() {
            return answer_tombstone(messenger, author, stored).await;
        }
        if let Some(deleted) = change(messenger, author, &stored.message, Change::Deletion).await? {
            return Ok(deleted);
        }
        stored = own(messenger, mongo.messages().find(message).await?, author.user).await?;
    }
    Err(contended())
}

async fn answer_tombstone(
    messenger: &Messenger,
    author: &Author<'_>,
    Stored { message, fanout, .. }: Stored,
) -> Result<MessageView, Fault> {
    let mongo = &messenger.mongo;
    find_rights(messenger, message.room, author.user).await?;
    let quotes = mongo.messages().list_quotes(message.reply_to.as_slice()).await?;
    let Some(fanout) = fanout.filter(|fanout| !fanout.released) else {
        return Ok(MessageView::of(message, &quotes));
    };
    // Whoever deleted it may have died before anyone could learn of it.
    let placed = stamp_freely(messenger, &mut mongo.causal().await?, message, fanout.tries).await?;
    Ok(messenger.publish(placed, &quotes, author.connection).await)
}

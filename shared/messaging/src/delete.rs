use crate::{
    Author, Messenger,
    order::{ATTEMPTS, Placed, contended, give_back, reserve, settle, stamp_freely},
    own::{find_rights, hide_room, own},
};
use contract::MessageView;
use domain::{Code, Fault, MessageId};
use mongo::Placement;

/// Empties one's own message, whose tombstone is pushed to the room after the answer; returns it as of the change. One that is
/// deleted stays so.
pub async fn delete_message(
    messenger: &Messenger,
    author: &Author<'_>,
    message: MessageId,
) -> Result<MessageView, Fault> {
    let mongo = &messenger.mongo;
    let (is_ended, found) =
        tokio::join!(mongo.gates().is_ended(author.user, author.session), mongo.messages().find(message));
    if is_ended? {
        return Err(Code::Unauthenticated.into());
    }
    let mut stored = own(messenger, found?, author.user).await?;
    for _ in 0..ATTEMPTS {
        let message = stored.message;
        let answered = message.reply_to;
        let quotes = mongo.messages().list_quotes(answered.as_slice());
        if message.deleted_at.is_some() {
            find_rights(messenger, message.room, author.user).await?;
            let quotes = quotes.await?;
            let Some(fanout) = stored.fanout.filter(|fanout| !fanout.released) else {
                return Ok(MessageView::of(message, &quotes));
            };
            // Whoever deleted it may have died before anyone could learn of it.
            let placed = stamp_freely(messenger, &mut mongo.causal().await?, message, fanout.tries).await?;
            return Ok(messenger.publish(placed, &quotes, author.connection).await);
        }
        let reserved = reserve(messenger, message.room, author.user, Placement::Change);
        let (reservation, quotes) = tokio::join!(reserved, quotes);
        let reservation = reservation.map_err(hide_room)?;
        let mut causal = mongo.causal().await?;
        let now = messenger.clock.now();
        // An error leaves the outcome open: the entry stays until its age removes it, and the client hears 503.
        let deleted = mongo.messages().delete(&mut causal, message.id, &reservation, now).await?;
        if let Some(tombstone) = deleted {
            let placed = match settle(messenger, &mut causal, &tombstone, &reservation).await {
                Some(recipients) => Placed { message: tombstone, recipients, tries: 0 },
                None => stamp_freely(messenger, &mut causal, tombstone, 0).await?,
            };
            return Ok(messenger.publish(placed, &quotes?, author.connection).await);
        }
        // A higher `rev` won, and nothing was written.
        give_back(messenger, message.room, &reservation).await;
        stored = own(messenger, mongo.messages().find(message.id).await?, author.user).await?;
    }
    Err(contended())
}

use crate::{
    Messenger,
    own::{Own, hide_room},
    place::{ATTEMPTS, contended, reserve, settle, stamp},
};
use domain::{ConnectionId, Fault, MessageId, UserId};
use mongo::Numbered;
use realtime::{MessageView, Push};

/// A message is to go.
#[derive(Debug, Clone, Copy)]
pub struct DeleteMessage {
    /// Which.
    pub message: MessageId,
    /// By whom.
    pub user: UserId,
}

/// Empties one's own message and pushes the tombstone to the room; returns it as of the change. One that is deleted stays so.
///
/// Seven round trips and the pushes, as an edit; two for a message that is deleted already. Of a reply one more.
pub async fn delete_message(
    messenger: Messenger<'_>,
    pusher: &(impl Push + Sync),
    command: DeleteMessage,
    from: Option<&ConnectionId>,
) -> Result<MessageView, Fault> {
    let (view, owed) = write(&messenger, command).await?;
    if owed {
        messenger.publish(pusher, view.clone(), from).await;
    }
    Ok(view)
}

/// The tombstone, and whether its delivery is owed.
async fn write(messenger: &Messenger<'_>, command: DeleteMessage) -> Result<(MessageView, bool), Fault> {
    let mongo = messenger.mongo;
    for _ in 0..ATTEMPTS {
        let Own { message, is_pending, access, quotes } = Own::find(messenger, command.message, command.user).await?;
        if message.deleted_at.is_some() {
            // Whoever deleted it may have died before anyone could learn of it.
            let message = if is_pending { stamp(messenger, message.id).await? } else { message };
            return Ok((MessageView::of(message, &quotes), is_pending));
        }
        let place = reserve(mongo, access, command.user, Numbered::Change).await.map_err(hide_room)?;
        // An error leaves the outcome open: the entry stays until its age removes it, and the client hears 503.
        if let Some(message) = mongo.delete_message(command.message, place, messenger.clock.now()).await? {
            return Ok((MessageView::of(settle(messenger, message, place).await?, &quotes), true));
        }
        // A higher `rev` won. Nothing was written: a release that fails only delays readers by 5 s.
        drop(mongo.release(message.room, place).await);
    }
    Err(contended())
}

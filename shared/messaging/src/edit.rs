use crate::{
    Messenger,
    own::{Own, hide_room},
    place::{ATTEMPTS, contended, reserve, settle},
    send::bucket_of,
};
use domain::{Code, ConnectionId, Content, Fault, MessageId, UserId};
use mongo::Numbered;
use realtime::{MessageView, Push};

/// A new text for a message.
#[derive(Debug)]
pub struct EditMessage {
    /// Which.
    pub message: MessageId,
    /// By whom.
    pub user: UserId,
    /// The text.
    pub content: Content,
}

/// Replaces the text of one's own message and pushes it to the room; returns the message as of the change.
///
/// Seven round trips and the pushes: message (with the limit beside it), rights, place, change, release, connections,
/// delivery noted. Of a reply one more.
pub async fn edit_message(
    messenger: Messenger<'_>,
    pusher: &(impl Push + Sync),
    command: &EditMessage,
    from: Option<&ConnectionId>,
) -> Result<MessageView, Fault> {
    let view = write(&messenger, command).await?;
    messenger.publish(pusher, view.clone(), from).await;
    Ok(view)
}

async fn write(messenger: &Messenger<'_>, command: &EditMessage) -> Result<MessageView, Fault> {
    let mongo = messenger.mongo;
    let bucket = bucket_of(command.user);
    let (spent, own) =
        tokio::join!(mongo.spend(&bucket, messenger.send_limit), Own::find(messenger, command.message, command.user),);
    // Whoever may not edit it learns that first.
    let mut own = own?;
    spent?;
    for _ in 0..ATTEMPTS {
        let Own { message, access, quotes, .. } = own;
        if message.deleted_at.is_some() {
            return Err(Code::MessageNotFound.into());
        }
        let place = reserve(mongo, access, command.user, Numbered::Change).await.map_err(hide_room)?;
        // An error leaves the outcome open: the entry stays until its age removes it, and the client hears 503.
        let changed = mongo.edit_message(command.message, &command.content, place, messenger.clock.now()).await?;
        if let Some(message) = changed {
            return Ok(MessageView::of(settle(messenger, message, place).await?, &quotes));
        }
        // A higher `rev` won. Nothing was written: a release that fails only delays readers by 5 s.
        drop(mongo.release(message.room, place).await);
        own = Own::find(messenger, command.message, command.user).await?;
    }
    Err(contended())
}

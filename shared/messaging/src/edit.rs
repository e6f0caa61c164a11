use crate::{
    Messenger,
    place::{ATTEMPTS, admit, contended, reserve, settle},
};
use domain::{Code, ConnectionId, Content, Fault, Message, MessageId, UserId};
use mongo::{Mongo, Numbered};
use realtime::Push;

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
/// Eight round trips and the pushes: message, rights twice, place, change, release, connections, delivery noted.
pub async fn edit_message(
    messenger: Messenger<'_>,
    pusher: &(impl Push + Sync),
    command: &EditMessage,
    from: Option<&ConnectionId>,
) -> Result<Message, Fault> {
    let message = write(&messenger, command).await?;
    messenger.publish(pusher, message.clone(), from).await;
    Ok(message)
}

async fn write(messenger: &Messenger<'_>, command: &EditMessage) -> Result<Message, Fault> {
    let mongo = messenger.mongo;
    for _ in 0..ATTEMPTS {
        let found = find_own(mongo, command).await?;
        let place = reserve(mongo, found.room, command.user, Numbered::Change).await.map_err(hide_room)?;
        // An error leaves the outcome open: the entry stays until its age removes it, and the client hears 503.
        let changed = mongo.edit_message(command.message, &command.content, place, messenger.clock.now()).await?;
        if let Some(message) = changed {
            return settle(messenger, message, place).await;
        }
        // A higher `rev` won. Nothing was written: a release that fails only delays readers by 5 s.
        drop(mongo.release(found.room, place).await);
    }
    Err(contended())
}

/// One's own message, in a room that one is in; another's is known to the room's members, and to nobody else.
async fn find_own(mongo: &Mongo, command: &EditMessage) -> Result<Message, Fault> {
    let found = mongo.find_message(command.message).await?.ok_or(Code::MessageNotFound)?.message;
    admit(mongo, found.room, command.user).await.map_err(hide_room)?;
    if found.deleted_at.is_some() {
        return Err(Code::MessageNotFound.into());
    }
    if found.user != command.user {
        return Err(Code::NotAuthor.into());
    }
    Ok(found)
}

/// Whoever asks for a message learns nothing of the room that it is in.
fn hide_room(fault: Fault) -> Fault {
    match fault.code {
        Code::RoomNotFound => Code::MessageNotFound.into(),
        _ => fault,
    }
}

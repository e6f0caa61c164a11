use crate::{Messenger, place::admit};
use domain::{Access, Code, Fault, Message, MessageId, Quote, UserId};
use std::collections::HashMap;

/// A message of one's own, what one may do in its room, and what it answers.
pub(crate) struct Own {
    pub message: Message,
    /// Whether its delivery is still owed.
    pub is_pending: bool,
    pub access: Access,
    pub quotes: HashMap<MessageId, Quote>,
}

impl Own {
    /// Another's message is known to the room's members, and to nobody else.
    ///
    /// Two round trips; of a reply one more.
    pub(crate) async fn find(messenger: &Messenger<'_>, id: MessageId, user: UserId) -> Result<Self, Fault> {
        let mongo = messenger.mongo;
        let found = mongo.find_message(id).await?.ok_or(Code::MessageNotFound)?;
        let message = found.message;
        let access = admit(mongo, message.room, user).await.map_err(hide_room)?;
        if message.user != user {
            return Err(Code::NotAuthor.into());
        }
        let quotes = mongo.list_quotes(message.reply_to.as_slice()).await?;
        Ok(Self { message, is_pending: found.pending_since.is_some(), access, quotes })
    }
}

/// Whoever asks for a message learns nothing of the room that it is in.
pub(crate) fn hide_room(fault: Fault) -> Fault {
    match fault.code {
        Code::RoomNotFound => Code::MessageNotFound.into(),
        _ => fault,
    }
}

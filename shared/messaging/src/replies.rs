use crate::{Messenger, list::show};
use contract::MessageView;
use domain::{Code, Fault, MessageId, Page, PageSize, Seq, UserId};

/// A request for the replies to a message.
#[derive(Debug, Clone, Copy)]
pub struct ListReplies {
    /// To which message.
    pub message: MessageId,
    /// By whom.
    pub user: UserId,
    /// The reply before the first one.
    pub after: Option<Seq>,
    /// How many at the most.
    pub size: PageSize,
}

/// The replies to a message, the oldest first. `MessageNotFound` for anyone who is not in its room.
pub async fn list_replies(messenger: &Messenger, query: ListReplies) -> Result<Page<MessageView, Seq>, Fault> {
    let ListReplies { message, user, after, size } = query;
    let found = messenger.mongo.messages().find(message).await?.ok_or(Code::MessageNotFound)?;
    let (room, rooms) = (found.message.room, messenger.mongo.rooms());
    let window = rooms.list_replies(room, user, message, after, size.get()).await?;
    let window = window.ok_or(Code::MessageNotFound)?;
    // Not of the items: the last row may be left out.
    let next = window.rows.last().filter(|_| window.has_after).map(|last| last.message.seq);
    let items = show(messenger, user, window.rows, &window.quotes).await?;
    Ok(Page { items, next })
}

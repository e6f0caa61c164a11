use crate::{Messenger, own::find_rights};
use contract::MessageVersionView;
use domain::{Code, Fault, MessageId, Page, PageSize, Rev, UserId};

/// A request for the earlier texts of a message.
#[derive(Debug, Clone, Copy)]
pub struct ListHistory {
    /// Of which message.
    pub message: MessageId,
    /// By whom.
    pub user: UserId,
    /// The text after the first one of the page.
    pub before: Option<Rev>,
    /// How many at the most.
    pub size: PageSize,
}

/// The texts that a message had before its edits, the newest first. `MessageNotFound` for anyone who is not in its room.
pub async fn list_history(messenger: &Messenger, query: ListHistory) -> Result<Page<MessageVersionView, Rev>, Fault> {
    let ListHistory { message, user, before, size } = query;
    let found = messenger.mongo.messages().find_history(message).await?;
    let (room, mut versions) = found.ok_or(Code::MessageNotFound)?;
    find_rights(messenger, room, user).await?;
    versions.retain(|version| before.is_none_or(|before| version.rev < before));
    Ok(Page::cut(versions, size, |version| version.rev).map(MessageVersionView::from))
}

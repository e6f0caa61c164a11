use crate::{Messenger, place::stamp};
use domain::{Fault, Message, PageSize, RoomKey, UserId};
use mongo::{Anchor, Mongo};
use realtime::{MessageView, Push};
use serde::Serialize;
use utoipa::ToSchema;

/// How many abandoned messages one page stamps and pushes.
const MOST_MENDED: usize = 5;

/// A page of a room's messages is asked for.
#[derive(Debug, Clone, Copy)]
pub struct ListMessages {
    /// Which room.
    pub room: RoomKey,
    /// By whom.
    pub user: UserId,
    /// Where the page lies.
    pub anchor: Anchor,
    /// How many messages at the most.
    pub limit: PageSize,
}

/// A page of a room's messages by `seq`.
#[derive(Serialize, ToSchema)]
pub struct MessagePage {
    /// Oldest first.
    pub items: Vec<MessageView>,
    /// Whether there are older ones.
    pub has_before: bool,
    /// Whether there are newer ones.
    pub has_after: bool,
    /// The `after_rev` to go on with in `sync`; it was computed before the page was read.
    #[schema(value_type = i64, example = 813)]
    pub cursor: domain::Rev,
}

/// A page of a room for one of its members; the round trips of `Mongo::list_messages`, and one more where there are replies.
///
/// A message on it whose delivery is owed for over 5 s was written by someone who died, perhaps below a place that readers
/// had passed: it is stamped and pushed first, so that no page shows what `sync` would not. Six round trips and the pushes
/// for each of them, so a page mends only a few.
pub async fn list_messages(
    messenger: Messenger<'_>,
    pusher: &(impl Push + Sync),
    query: ListMessages,
) -> Result<MessagePage, Fault> {
    let ListMessages { room, user, anchor, limit } = query;
    let mut window = messenger.mongo.list_messages(room, user, anchor, limit.get()).await?;
    let now = messenger.clock.now();
    let mut late = Vec::new();
    for row in window.rows.iter_mut().filter(|row| row.is_abandoned(now)).take(MOST_MENDED) {
        row.message = stamp(&messenger, row.message.id).await?;
        late.push(row.message.id);
    }
    let items = views(messenger.mongo, window.rows.into_iter().map(|row| row.message)).await?;
    for view in items.iter().filter(|view| late.contains(&view.id)) {
        messenger.publish(pusher, view.clone(), None).await;
    }
    Ok(MessagePage { items, has_before: window.has_before, has_after: window.has_after, cursor: window.cursor })
}

/// Messages with the beginnings of those that they answer. One round trip; none if they answer none.
pub(crate) async fn views(mongo: &Mongo, messages: impl Iterator<Item = Message>) -> Result<Vec<MessageView>, Fault> {
    let messages: Vec<_> = messages.collect();
    let answered: Vec<_> = messages.iter().filter_map(|message| message.reply_to).collect();
    let quotes = mongo.list_quotes(&answered).await?;
    Ok(messages.into_iter().map(|message| MessageView::of(message, &quotes)).collect())
}

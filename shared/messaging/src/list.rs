use crate::{Messenger, order::stamp_freely};
use contract::{MessagePage, MessageView};
use domain::{Code, Fault, MessageId, PageSize, Quote, RoomKey, UserId};
use mongo::{Anchor, Stored};
use std::collections::HashMap;

/// How many abandoned messages one page stamps and pushes.
const MOST_MENDED: usize = 5;

/// A request for a page of a room's messages.
#[derive(Debug, Clone, Copy)]
pub struct ListMessages {
    /// Which room.
    pub room: RoomKey,
    /// By whom.
    pub user: UserId,
    /// Where the page begins.
    pub anchor: Anchor,
    /// How many messages at the most.
    pub limit: PageSize,
}

/// A page of a room's messages for one of its members.
///
/// A writer may have died between the write and the release of a message, so that readers have passed its `rev`. Such a message is
/// stamped and pushed before it is shown, at most a few per page: a page never shows a message that `sync` misses.
pub async fn list_messages(messenger: &Messenger, query: ListMessages) -> Result<MessagePage, Fault> {
    let ListMessages { room, user, anchor, limit } = query;
    let rooms = messenger.mongo.rooms();
    let window = rooms.list_messages(room, user, anchor, limit.get()).await?.ok_or(Code::RoomNotFound)?;
    let (rows, quotes) = (window.rows, window.quotes);
    let items = show(messenger, user, rows, &quotes).await?;
    Ok(MessagePage { items, has_before: window.has_before, has_after: window.has_after, cursor: window.cursor })
}

/// The messages of a page, a few of them mended.
pub(crate) async fn show(
    messenger: &Messenger,
    user: UserId,
    rows: Vec<Stored>,
    quotes: &HashMap<MessageId, Quote>,
) -> Result<Vec<MessageView>, Fault> {
    let (now, mut mended, mut items) = (messenger.clock.now(), 0, Vec::with_capacity(rows.len()));
    for row in rows {
        if mended < MOST_MENDED && row.is_abandoned(now) {
            mended += 1;
            let tries = row.fanout.map_or(0, |fanout| fanout.tries);
            let causal = &mut messenger.mongo.causal().await?;
            // What its writer withdrew since the page was read is left out: `sync` has the tombstone.
            if let Some(placed) = stamp_freely(messenger, causal, row.message, tries, Some(user)).await? {
                items.push(messenger.publish(placed, quotes, None).await);
            }
        } else {
            items.push(MessageView::of(row.message, quotes));
        }
    }
    Ok(items)
}

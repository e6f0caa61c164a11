use crate::list::views;
use domain::{Fault, PageSize, Rev, RoomKey, UserId};
use mongo::Mongo;
use realtime::SyncPage;
use std::collections::BTreeMap;

/// A room's changes are asked for.
#[derive(Debug, Clone, Copy)]
pub struct SyncRoom {
    /// Which room.
    pub room: RoomKey,
    /// By whom.
    pub user: UserId,
    /// The last change that the client has.
    pub after: Rev,
    /// How many messages at the most.
    pub limit: PageSize,
    /// How many bytes of JSON the items may have, where the door has a limit; one item always fits.
    pub max_bytes: Option<usize>,
}

/// What changed in a room since a cursor, for one of its members; the round trips of `Mongo::list_changes`, and one more where
/// there are replies.
pub async fn sync_room(mongo: &Mongo, query: SyncRoom) -> Result<SyncPage, Fault> {
    let feed = mongo.list_changes(query.room, query.user, query.after, query.limit.get()).await?;
    let (mut items, mut bytes, mut more) = (Vec::with_capacity(feed.rows.len()), 0, feed.cut);
    for view in views(mongo, feed.rows.into_iter().map(|row| row.message)).await? {
        if let Some(max_bytes) = query.max_bytes {
            bytes += serde_json::to_string(&view).map_err(Fault::internal)?.len() + 1;
            if bytes > max_bytes && !items.is_empty() {
                more = true;
                break;
            }
        }
        items.push(view);
    }
    let last = items.last().map(|item| item.rev);
    let cursor = last.filter(|_| more).unwrap_or(feed.safe);
    Ok(SyncPage { items, cursor, head: feed.head, more })
}

/// A person's rooms that have changes after the cursors given, and whether there are more of them than `limit`.
///
/// One round trip. A room without a cursor counts from its beginning.
pub async fn list_gaps(
    mongo: &Mongo,
    user: UserId,
    cursors: &BTreeMap<RoomKey, Rev>,
    limit: usize,
) -> Result<(Vec<RoomKey>, bool), Fault> {
    let revs = mongo.list_room_revs(user).await?;
    let ahead = revs.into_iter().filter(|(room, rev)| *rev > cursors.get(room).copied().unwrap_or_default());
    let mut gaps: Vec<_> = ahead.map(|(room, _)| room).collect();
    gaps.sort_unstable();
    let more = gaps.len() > limit;
    gaps.truncate(limit);
    Ok((gaps, more))
}

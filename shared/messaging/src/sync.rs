use contract::{MessageView, SyncPage};
use domain::{Code, Fault, PageSize, Rev, RoomKey, UserId};
use mongo::{FeedSize, Mongo};
use std::collections::{BTreeMap, HashMap};

/// A request for a room's changes.
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

/// What changed in a room since a cursor, for one of its members.
pub async fn sync_room(mongo: &Mongo, query: SyncRoom) -> Result<SyncPage, Fault> {
    let SyncRoom { room, user, after, limit, max_bytes } = query;
    // Rows are about as large as items, so rows beyond the limit are not read.
    let size = FeedSize { rows: limit.get(), bytes: max_bytes.and_then(|bytes| i64::try_from(bytes).ok()) };
    let feed = mongo.rooms().list_changes(room, user, after, size).await?.ok_or(Code::RoomNotFound)?;
    let (mut items, mut bytes, mut more) = (Vec::with_capacity(feed.rows.len()), 0, feed.cut);
    for row in feed.rows {
        let view = MessageView::of(row.message, &feed.quotes);
        if let Some(max_bytes) = max_bytes {
            bytes += serde_json::to_string(&view).map_err(Fault::internal)?.len() + 1;
            if bytes > max_bytes && !items.is_empty() {
                more = true;
                break;
            }
        }
        items.push(view);
    }
    let last = items.last().map(|item: &MessageView| item.rev);
    let cursor = last.filter(|_| more).unwrap_or(feed.safe);
    Ok(SyncPage { items, cursor, head: feed.head, more })
}

/// The rooms in which a client with certain cursors misses something.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gaps {
    /// Rooms with changes after their cursors.
    pub ahead: Vec<RoomKey>,
    /// Rooms that the person is not in.
    pub gone: Vec<RoomKey>,
    /// Whether there are more of either than were asked for.
    pub more: bool,
}

/// Those of a person's rooms that have changes after the cursors given, and those that they are not in; at most `limit` of each.
///
/// A room without a cursor was never entered: nothing is missing there.
pub async fn list_gaps(
    mongo: &Mongo,
    user: UserId,
    cursors: &BTreeMap<RoomKey, Rev>,
    limit: usize,
) -> Result<Gaps, Fault> {
    let rooms: Vec<_> = cursors.keys().copied().collect();
    let revs: HashMap<_, _> = mongo.rooms().list_revs(user, &rooms).await?.into_iter().collect();
    let mut gaps = Gaps::default();
    for (room, cursor) in cursors {
        match revs.get(room) {
            Some(rev) if rev > cursor => gaps.ahead.push(*room),
            Some(_) => {}
            None => gaps.gone.push(*room),
        }
    }
    for rooms in [&mut gaps.ahead, &mut gaps.gone] {
        gaps.more |= rooms.len() > limit;
        rooms.truncate(limit);
    }
    Ok(gaps)
}

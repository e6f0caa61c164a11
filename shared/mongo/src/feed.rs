use crate::{
    Rooms, Stored,
    fault::{is_read_lost, store_fault},
    messages::{MessageDocument, QuoteDocument, lookup_quotes, message_fields, visible_to},
    order::young_entries,
    schema::{MESSAGES, ROOMS},
};
use domain::{Fault, MessageId, Quote, Rev, RoomKey, Seq, UserId};
use futures_util::TryStreamExt as _;
use mongodb::{
    bson::{Bson, Document, doc, oid::ObjectId},
    options::ReadConcern,
};
use serde::Deserialize;
use std::collections::HashMap;

/// How often overdue entries are dropped before a page is answered as it is: its cursor is then only low, never wrong.
const ROUNDS: usize = 3;

/// Which messages a page has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// The newest messages.
    Newest,
    /// Those just before a number.
    Before(Seq),
    /// Those just after a number.
    After(Seq),
    /// Those on both sides of a number, itself included.
    Around(Seq),
}

/// A page of messages by `seq`: a view, no feed.
#[derive(Debug)]
pub struct Window {
    /// Oldest first.
    pub rows: Vec<Stored>,
    /// What the replies among them answer.
    pub quotes: HashMap<MessageId, Quote>,
    /// Whether there are older ones.
    pub has_before: bool,
    /// Whether there are newer ones.
    pub has_after: bool,
    /// Where to go on with `sync`: as of the same snapshot as the rows.
    pub cursor: Rev,
}

/// How much of a feed is read at once.
#[derive(Debug, Clone, Copy)]
pub struct FeedSize {
    /// At most so many rows.
    pub rows: i64,
    /// No further row once those before it have so many bytes.
    pub bytes: Option<i64>,
}

/// Changes of a room since a cursor, in order.
#[derive(Debug)]
pub struct Feed {
    /// Each message that changed, as of now, by `rev`.
    pub rows: Vec<Stored>,
    /// What the replies among them answer.
    pub quotes: HashMap<MessageId, Quote>,
    /// Where to go on when all rows are taken and none were cut.
    pub safe: Rev,
    /// The newest number given out.
    pub head: Rev,
    /// Whether more rows up to `safe` may be left.
    pub cut: bool,
}

#[derive(Deserialize)]
struct SnapshotRow {
    rev: Rev,
    safe: Rev,
    overdue: bool,
    /// Whether the rows are more bytes than were asked for.
    #[serde(default)]
    is_large: bool,
    #[serde(default)]
    older: Vec<MessageDocument>,
    #[serde(default)]
    newer: Vec<MessageDocument>,
    quotes: Vec<QuoteDocument>,
}

impl Rooms<'_> {
    /// A page of a room for one of its members, in one snapshot; `None` for anyone else.
    pub async fn list_messages(
        self,
        room: RoomKey,
        user: UserId,
        anchor: Anchor,
        limit: i64,
    ) -> Result<Option<Window>, Fault> {
        // How many rows on either side of the anchor; a side without any is asked only whether it has one.
        let ((older, newer), (before, after)) = match anchor {
            Anchor::Newest => ((limit, None), (Document::new(), Document::new())),
            Anchor::Before(seq) => ((limit, Some(0)), split_at(seq)),
            Anchor::After(seq) => ((0, Some(limit)), split_at(Seq(seq.0.saturating_add(1)))),
            Anchor::Around(seq) => ((limit / 2, Some(limit - limit / 2)), split_at(seq)),
        };
        let rows_of = |condition: &Document, direction: i32, count: i64| {
            let mut filter = in_room(room);
            filter.extend(condition.clone());
            filter.extend(visible_to(user));
            vec![
                doc! { "$match": filter },
                doc! { "$sort": { "seq": direction } },
                doc! { "$limit": count + 1 },
                doc! { "$project": message_fields(Some(user)) },
            ]
        };
        let mut pipeline = vec![lookup_rows("older", Document::new(), rows_of(&before, -1, older))];
        if let Some(newer) = newer {
            pipeline.push(lookup_rows("newer", Document::new(), rows_of(&after, 1, newer)));
        }
        let Some(mut found) = self.read_snapshot(room, user, pipeline).await? else { return Ok(None) };
        let has_before = truncate(&mut found.older, older);
        let has_after = newer.is_some_and(|newer| truncate(&mut found.newer, newer));
        let rows = found.older.into_iter().rev().chain(found.newer).map(Stored::from).collect();
        Ok(Some(Window { rows, quotes: by_id(found.quotes), has_before, has_after, cursor: found.safe }))
    }

    /// The replies to a message of a room for one of its members, the oldest first, in one snapshot; `None` for anyone else.
    pub async fn list_replies(
        self,
        room: RoomKey,
        user: UserId,
        message: MessageId,
        after: Option<Seq>,
        limit: i64,
    ) -> Result<Option<Window>, Fault> {
        let mut filter = in_room(room);
        let after = after.map_or(0, |seq| seq.0);
        filter.extend(doc! { "reply_to": ObjectId::from_bytes(message.0), "seq": { "$gt": after } });
        filter.extend(visible_to(user));
        let (order, project) = (doc! { "$sort": { "seq": 1 } }, doc! { "$project": message_fields(Some(user)) });
        let rows = vec![doc! { "$match": filter }, order, doc! { "$limit": limit + 1 }, project];
        let pipeline = vec![lookup_rows("newer", Document::new(), rows)];
        let Some(mut found) = self.read_snapshot(room, user, pipeline).await? else { return Ok(None) };
        let has_after = truncate(&mut found.newer, limit);
        let rows = found.newer.into_iter().map(Stored::from).collect();
        Ok(Some(Window { rows, quotes: by_id(found.quotes), has_before: after > 0, has_after, cursor: found.safe }))
    }

    /// What changed in a room after a cursor, for one of its members, in one snapshot; `None` for anyone else.
    pub async fn list_changes(
        self,
        room: RoomKey,
        user: UserId,
        after: Rev,
        size: impl Into<FeedSize>,
    ) -> Result<Option<Feed>, Fault> {
        let FeedSize { rows: limit, bytes } = size.into();
        let mut filter = in_room(room);
        filter.extend(doc! { "rev": { "$gt": after.0 }, "$expr": { "$lte": ["$rev", "$$safe"] } });
        filter.extend(visible_to(user));
        let mut rows = vec![
            doc! { "$match": filter },
            doc! { "$sort": { "rev": 1 } },
            doc! { "$limit": limit + 1 },
            doc! { "$project": message_fields(Some(user)) },
        ];
        rows.extend(bytes.into_iter().flat_map(cut_at));
        let mut pipeline = vec![lookup_rows("newer", doc! { "safe": "$safe" }, rows)];
        if let Some(bytes) = bytes {
            let total = doc! { "$ifNull": [{ "$last": "$newer.with_it" }, 0] };
            pipeline.push(doc! { "$set": { "is_large": { "$gt": [total, bytes] } } });
        }
        let Some(mut found) = self.read_snapshot(room, user, pipeline).await? else { return Ok(None) };
        let cut = truncate(&mut found.newer, limit) || found.is_large;
        let rows = found.newer.into_iter().map(Stored::from).collect();
        Ok(Some(Feed { rows, quotes: by_id(found.quotes), safe: found.safe, head: found.rev, cut }))
    }

    /// The room's numbers, its rows and what they answer, as of one moment that a majority had.
    async fn read_snapshot(
        self,
        room: RoomKey,
        user: UserId,
        rows: Vec<Document>,
    ) -> Result<Option<SnapshotRow>, Fault> {
        let mut pipeline = vec![
            doc! { "$match": { "_id": room.to_string(), "members": user.0 } },
            doc! { "$project": {
                "_id": 0,
                "rev": 1,
                // The newest number below which nothing is being written.
                "safe": { "$subtract": [{ "$ifNull": [{ "$min": "$inflight.rev" }, { "$add": ["$rev", 1_i64] }] }, 1_i64] },
                "overdue": { "$lt": [{ "$size": young_entries() }, { "$size": "$inflight" }] },
            } },
        ];
        pipeline.extend(rows);
        let replies = |side: &str| doc! { "$ifNull": [format!("${side}.reply_to"), []] };
        pipeline.extend([
            doc! { "$set": { "answered": { "$concatArrays": [replies("older"), replies("newer")] } } },
            lookup_quotes("answered"),
            doc! { "$unset": "answered" },
        ]);
        let mut found = self.read_once(&pipeline).await?;
        for _ in 1..ROUNDS {
            if !found.as_ref().is_some_and(|room| room.overdue) {
                break;
            }
            self.drop_overdue(room).await?;
            found = self.read_once(&pipeline).await?;
        }
        Ok(found)
    }

    async fn read_once(self, pipeline: &[Document]) -> Result<Option<SnapshotRow>, Fault> {
        let read = || async {
            let rooms = self.0.documents(ROOMS);
            let aggregate = rooms.aggregate(pipeline.to_vec()).read_concern(ReadConcern::snapshot());
            aggregate.with_type::<SnapshotRow>().await?.try_next().await
        };
        match read().await {
            Err(error) if is_read_lost(&error) => read().await.map_err(store_fault),
            outcome => outcome.map_err(store_fault),
        }
    }
}

impl From<i64> for FeedSize {
    fn from(rows: i64) -> Self {
        Self { rows, bytes: None }
    }
}

/// The stages that leave rows out once those before them have so many bytes; each that stays says how many there are with it.
fn cut_at(bytes: i64) -> [Document; 2] {
    let size_of = |last: Bson| {
        let window = doc! { "documents": ["unbounded", last] };
        doc! { "$sum": { "$bsonSize": "$$ROOT" }, "window": window }
    };
    let sizes = doc! { "before_it": size_of(Bson::Int32(-1)), "with_it": size_of("current".into()) };
    [
        doc! { "$setWindowFields": { "sortBy": { "rev": 1 }, "output": sizes } },
        // There is nothing before the first.
        doc! { "$match": { "before_it": { "$not": { "$gt": bytes } } } },
    ]
}

/// The filter of a room's messages.
pub(crate) fn in_room(room: RoomKey) -> Document {
    doc! { "room_type": room.kind.as_str(), "room_id": room.id.0 }
}

/// The conditions below a number, and from it on.
fn split_at(seq: Seq) -> (Document, Document) {
    (doc! { "seq": { "$lt": seq.0 } }, doc! { "seq": { "$gte": seq.0 } })
}

fn lookup_rows(name: &str, variables: Document, pipeline: Vec<Document>) -> Document {
    doc! { "$lookup": { "from": MESSAGES, "let": variables, "pipeline": pipeline, "as": name } }
}

pub(crate) fn by_id(quotes: Vec<QuoteDocument>) -> HashMap<MessageId, Quote> {
    quotes.into_iter().map(Quote::from).map(|quote| (quote.id, quote)).collect()
}

/// Cuts a page that was read with one row too many, and answers whether it had it.
fn truncate<T>(rows: &mut Vec<T>, limit: i64) -> bool {
    let limit = usize::try_from(limit).unwrap_or(0);
    let more = rows.len() > limit;
    rows.truncate(limit);
    more
}

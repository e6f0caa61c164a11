use crate::{
    Mongo, Stored,
    fault::{is_duplicate_key, store_fault},
    messages::MessageDocument,
    schema::{HEADS, MESSAGES, READ_STATES, ROOMS},
};
use domain::{Code, Fault, Message, Page, PageSize, RoomKey, RoomKind, Seq, Timestamp, UserId};
use futures_util::TryStreamExt as _;
use mongodb::bson::{Bson, DateTime, Document, deserialize_from_document, doc};
use serde::Deserialize;

/// The most unread messages that are counted: it stands for 99 and more.
pub const MOST_UNREAD: i32 = 100;

/// How many messages are looked at for those that are unread, the newest first: somebody may have written thousands to
/// whoever never answered.
const MOST_WALKED: i32 = 1_000;

/// A room as one of its members finds it in their list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomSummary {
    /// Which.
    pub room: RoomKey,
    /// When something last happened in it.
    pub last_at: Timestamp,
    /// The newest message, a deleted one too.
    pub last_message: Option<Message>,
    /// The newest message that they have read.
    pub read_seq: Seq,
    /// How many they have not read, without their own and deleted ones; 100 means 99 and more. Of the newest 1,000.
    pub unread: i32,
}

/// Where a member's cursor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marked {
    /// The newest message read.
    pub read: Seq,
    /// Whether it was an older one before.
    pub has_moved: bool,
}

/// Where a page of rooms begins: when something last happened in the last one before it, in milliseconds, and which it was.
pub type ActivityKey = (i64, RoomKey);

impl Mongo {
    /// A person's rooms of one kind, the newest activity first. One round trip, however many there are.
    pub async fn list_rooms(
        &self,
        user: UserId,
        kind: RoomKind,
        before: Option<&ActivityKey>,
        size: PageSize,
    ) -> Result<Page<RoomSummary, ActivityKey>, Fault> {
        let of_kind = format!("^{}:", kind.as_str());
        let mut pipeline = vec![
            doc! { "$match": { "members.user_id": user.0, "_id": { "$regex": of_kind } } },
            doc! { "$project": { "_id": 1 } },
        ];
        pipeline.extend(with_head());
        if let Some((millis, room)) = before {
            let (at, room) = (DateTime::from_millis(*millis), room.to_string());
            pipeline.push(
                doc! { "$match": { "$or": [{ "last_at": { "$lt": at } }, { "last_at": at, "_id": { "$lt": room } }] } },
            );
        }
        pipeline.extend([doc! { "$sort": { "last_at": -1, "_id": -1 } }, doc! { "$limit": size.and_one() }]);
        pipeline.extend(with_cursor(user));
        pipeline.extend(with_unread(user));
        pipeline.push(with_last_message());
        let rooms = self.summaries(pipeline).await?;
        Ok(Page::cut(rooms, size, |room| (room.last_at.millis(), room.room)))
    }

    /// A room as one of its members finds it in their list. One round trip.
    pub async fn find_room(&self, room: RoomKey, user: UserId) -> Result<Option<RoomSummary>, Fault> {
        let mut pipeline = vec![
            doc! { "$match": { "_id": room.to_string(), "members.user_id": user.0 } },
            doc! { "$project": { "_id": 1 } },
        ];
        pipeline.extend(with_head());
        pipeline.extend(with_cursor(user));
        pipeline.extend(with_unread(user));
        pipeline.push(with_last_message());
        Ok(self.summaries(pipeline).await?.pop())
    }

    /// A person's rooms with unread messages, by name. One round trip, however many there are.
    pub async fn list_unread(
        &self,
        user: UserId,
        after: Option<RoomKey>,
        size: PageSize,
    ) -> Result<Page<RoomSummary, RoomKey>, Fault> {
        let after = after.map(|room| room.to_string()).unwrap_or_default();
        let mut pipeline = vec![
            doc! { "$match": { "members.user_id": user.0, "_id": { "$gt": after } } },
            doc! { "$project": { "_id": 1 } },
            doc! { "$sort": { "_id": 1 } },
        ];
        pipeline.extend(with_head());
        pipeline.extend(with_cursor(user));
        // Most rooms are read: their messages are not looked at.
        pipeline.push(doc! { "$match": { "$expr": { "$gt": ["$newest", "$read_seq"] } } });
        pipeline.extend(with_unread(user));
        pipeline.extend([doc! { "$match": { "unread": { "$gt": 0 } } }, doc! { "$limit": size.and_one() }]);
        Ok(Page::cut(self.summaries(pipeline).await?, size, |room| room.room))
    }

    async fn summaries(&self, pipeline: Vec<Document>) -> Result<Vec<RoomSummary>, Fault> {
        let rows: Vec<_> = async { self.documents(ROOMS).aggregate(pipeline).await?.try_collect().await }
            .await
            .map_err(store_fault)?;
        let parsed = rows.into_iter().map(deserialize_from_document::<SummaryRow>);
        parsed.map(|row| row.map(RoomSummary::from).map_err(Fault::internal)).collect()
    }

    /// Moves a member's cursor forward to a message, at most to the room's newest, and answers where it is.
    ///
    /// Two round trips: the room's newest message for one of its members, and the cursor. A cursor never moves back.
    pub async fn mark_read(&self, room: RoomKey, user: UserId, seq: Seq) -> Result<Marked, Fault> {
        #[derive(Deserialize)]
        struct Newest {
            seq: Seq,
        }
        #[derive(Deserialize)]
        struct Cursor {
            read_seq: Seq,
        }
        let pipeline = [
            doc! { "$match": { "_id": room.to_string(), "members.user_id": user.0 } },
            doc! { "$lookup": { "from": HEADS, "localField": "_id", "foreignField": "_id", "as": "head" } },
            doc! { "$project": { "seq": { "$ifNull": [{ "$first": "$head.seq" }, 0_i64] } } },
        ];
        let found: Vec<Document> = async { self.documents(ROOMS).aggregate(pipeline).await?.try_collect().await }
            .await
            .map_err(store_fault)?;
        let newest = found.into_iter().next().ok_or(Code::RoomNotFound)?;
        let Newest { seq: newest } = deserialize_from_document(newest).map_err(Fault::internal)?;
        let read = seq.clamp(Seq(0), newest);
        let forward = doc! { "$max": { "read_seq": read.0 } };
        let this = doc! { "_id": { "room": room.to_string(), "user": user.0 } };
        let states = self.documents(READ_STATES);
        let write = || async { states.find_one_and_update(this.clone(), forward.clone()).upsert(true).await };
        let before = match write().await {
            // Another one has just made the document.
            Err(error) if is_duplicate_key(&error) => write().await,
            outcome => outcome,
        };
        let before = before.map_err(store_fault)?.map(deserialize_from_document::<Cursor>).transpose();
        let before = before.map_err(Fault::internal)?.map_or(Seq(0), |cursor| cursor.read_seq);
        Ok(Marked { read: read.max(before), has_moved: read > before })
    }

    /// How many messages after a place a member has not read; see `RoomSummary::unread`. One round trip.
    pub async fn count_unread(&self, room: RoomKey, user: UserId, read: Seq) -> Result<i32, Fault> {
        #[derive(Deserialize)]
        struct Count {
            number: i32,
        }
        let mut after = crate::messages::in_room(room);
        after.insert("seq", doc! { "$gt": read.0 });
        let mut pipeline = vec![doc! { "$match": after }];
        pipeline.extend(unread_of(user));
        let counted: Vec<Document> = async { self.documents(MESSAGES).aggregate(pipeline).await?.try_collect().await }
            .await
            .map_err(store_fault)?;
        let count = counted.into_iter().next().map(deserialize_from_document::<Count>).transpose();
        Ok(count.map_err(Fault::internal)?.map_or(0, |count| count.number))
    }
}

/// Counts those of messages after a member's cursor that they have not read.
fn unread_of(user: UserId) -> [Document; 5] {
    [
        doc! { "$sort": { "seq": -1 } },
        doc! { "$limit": MOST_WALKED },
        doc! { "$match": { "user_id": { "$ne": user.0 }, "deleted_at": Bson::Null } },
        doc! { "$limit": MOST_UNREAD },
        doc! { "$count": "number" },
    ]
}

/// Adds the parts of a room's name, and what its head says.
fn with_head() -> [Document; 2] {
    let part = |n: i32| doc! { "$arrayElemAt": [{ "$split": ["$_id", ":"] }, n] };
    [
        doc! { "$lookup": { "from": HEADS, "localField": "_id", "foreignField": "_id", "as": "head" } },
        doc! { "$project": {
            "room_type": part(0),
            "room_id": { "$toInt": part(1) },
            "last_at": { "$ifNull": [{ "$first": "$head.last_at" }, DateTime::from_millis(0)] },
            "newest": { "$ifNull": [{ "$first": "$head.seq" }, 0_i64] },
        } },
    ]
}

/// Adds where a member has read to.
fn with_cursor(user: UserId) -> [Document; 3] {
    [
        doc! { "$set": { "state": { "room": "$_id", "user": user.0 } } },
        doc! { "$lookup": { "from": READ_STATES, "localField": "state", "foreignField": "_id", "as": "state" } },
        doc! { "$set": { "read_seq": { "$ifNull": [{ "$first": "$state.read_seq" }, 0_i64] } } },
    ]
}

/// Adds how much has come since.
fn with_unread(user: UserId) -> [Document; 2] {
    let after = doc! { "$and": [{ "$eq": ["$room_type", "$$type"] }, { "$gt": ["$seq", "$$read"] }] };
    let mut pipeline = vec![doc! { "$match": { "$expr": after } }];
    pipeline.extend(unread_of(user));
    [
        doc! { "$lookup": {
            "from": MESSAGES,
            "localField": "room_id",
            "foreignField": "room_id",
            "let": { "type": "$room_type", "read": "$read_seq" },
            "pipeline": pipeline,
            "as": "unread",
        } },
        doc! { "$set": { "unread": { "$ifNull": [{ "$first": "$unread.number" }, 0] } } },
    ]
}

fn with_last_message() -> Document {
    doc! { "$lookup": {
        "from": MESSAGES,
        "localField": "room_id",
        "foreignField": "room_id",
        "let": { "type": "$room_type" },
        "pipeline": [
            { "$match": { "$expr": { "$eq": ["$room_type", "$$type"] } } },
            { "$sort": { "seq": -1 } },
            { "$limit": 1 },
        ],
        "as": "messages",
    } }
}

#[derive(Deserialize)]
struct SummaryRow {
    #[serde(rename = "_id")]
    room: RoomKey,
    last_at: DateTime,
    #[serde(default)]
    messages: Vec<MessageDocument>,
    read_seq: Seq,
    unread: i32,
}

impl From<SummaryRow> for RoomSummary {
    fn from(row: SummaryRow) -> Self {
        Self {
            room: row.room,
            last_at: Timestamp::from_millis(row.last_at.timestamp_millis()),
            last_message: row.messages.into_iter().next().map(|row| Stored::from(row).message),
            read_seq: row.read_seq,
            unread: row.unread,
        }
    }
}

//! Looking for messages by their grams, the newest first. The index of grams answers alone how many messages have one; what a message
//! says is compared by whoever asks, row by row as they come. Every read hints its index: otherwise other plans race it. The parts of a
//! union take no hint; there the index of grams wins wherever not nearly every message has the gram.

use crate::{
    Causal, Messages, Rooms, Stored,
    fault::{is_time_up, store_fault},
    feed::in_room,
    messages::{MessageDocument, message_fields, object_id, visible_to},
    one_batch,
    schema::{GRAMS_INDEX, MESSAGES, ROOM_SEQ_KEY, ROOMS},
};
use domain::{Fault, MessageId, MessageType, RoomId, RoomKey, RoomKind, Seq, Timestamp, UserId, message_search::Gram};
use futures_util::TryStreamExt as _;
use mongodb::{
    bson::{Bson, DateTime, Document, doc, oid::ObjectId},
    options::Hint,
};
use serde::Deserialize;
use std::{collections::HashSet, ops::ControlFlow, time::Duration};

/// Rooms of one kind, and a span of time in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchArea {
    /// The kind of the rooms.
    pub kind: RoomKind,
    /// Which. Of up to 200 the server merges what it finds in order; of more it would sort everything.
    pub rooms: Vec<RoomId>,
    /// When the messages were sent.
    pub span: Span,
}

/// A span of time, open where an end is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// The first moment.
    pub since: Option<Timestamp>,
    /// The moment before which it ends.
    pub before: Option<Timestamp>,
}

/// How many candidates are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Rows of one batch.
    pub batch: u32,
    /// After so much of the server's time it is given up.
    pub most_time: Option<Duration>,
}

/// How a reading ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadingEnd {
    /// Every row was taken.
    Complete,
    /// Whoever took the rows takes no more.
    Stopped,
    /// The server took too long.
    GivenUp,
}

/// A message on a walk through a room.
#[derive(Deserialize)]
pub struct WalkedMessage {
    /// Which.
    #[serde(rename = "_id", deserialize_with = "message_id")]
    pub id: MessageId,
    /// Its number.
    pub seq: Seq,
    /// Its text.
    pub content: String,
    /// When it was sent.
    #[serde(deserialize_with = "timestamp")]
    pub created_at: Timestamp,
    /// Whether a search may show it: it is not deleted, no notice of the room, and not hidden.
    pub is_shown: bool,
}

impl Messages<'_> {
    /// How many messages of an area have each of some grams, as far as `most`. Reads no message.
    pub async fn count_grams(
        self,
        Causal(session): &mut Causal,
        area: &SearchArea,
        grams: &[Gram],
        most: i64,
    ) -> Result<Vec<i64>, Fault> {
        #[derive(Deserialize)]
        struct Row {
            gram: i32,
            count: i64,
        }
        let branches = grams.iter().map(|gram| {
            let mut having = area.filter();
            having.insert("g", gram.0);
            let number = doc! { "$set": { "gram": { "$literal": gram.0 } } };
            vec![doc! { "$match": having }, doc! { "$limit": most }, doc! { "$count": "count" }, number]
        });
        let mut branches = branches.collect::<Vec<_>>().into_iter();
        let mut pipeline = branches.next().unwrap_or_default();
        pipeline.extend(branches.map(|branch| doc! { "$unionWith": { "coll": MESSAGES, "pipeline": branch } }));
        let messages = self.mongo.documents(MESSAGES);
        let counting = messages.aggregate(pipeline).hint(hint(GRAMS_INDEX)).with_type::<Row>();
        let rows: Vec<Row> = async {
            let mut cursor = counting.session(&mut *session).await?;
            cursor.stream(session).try_collect().await
        }
        .await
        .map_err(store_fault)?;
        // Of a gram that nothing has there is no row.
        let count = |gram: &Gram| rows.iter().find(|row| row.gram == gram.0).map_or(0, |row| row.count);
        Ok(grams.iter().map(count).collect())
    }

    /// The messages of an area that have all of some grams, the newest first; those of one moment in no order. The first gram is the
    /// one by which they are looked up. Not those that the viewer has hidden.
    pub async fn read_candidates(
        self,
        Causal(session): &mut Causal,
        area: &SearchArea,
        grams: &[Gram],
        reading: Reading,
        mut take: impl FnMut(Stored) -> ControlFlow<()> + Send,
    ) -> Result<ReadingEnd, Fault> {
        let mut filter = area.filter();
        filter.insert("g", doc! { "$all": grams.iter().map(|gram| gram.0).collect::<Vec<_>>() });
        filter.extend(self.viewer.map(visible_to).unwrap_or_default());
        let messages = self.mongo.collection::<MessageDocument>(MESSAGES);
        let mut find = messages.find(filter).sort(doc! { "created_at": -1 }).hint(hint(GRAMS_INDEX));
        find = find.projection(message_fields(self.viewer)).batch_size(reading.batch);
        if let Some(time) = reading.most_time {
            find = find.max_time(time);
        }
        let reading = async {
            let mut cursor = find.session(&mut *session).await?;
            let mut rows = cursor.stream(session);
            while let Some(row) = rows.try_next().await? {
                if take(Stored::from(row)).is_break() {
                    return Ok(ReadingEnd::Stopped);
                }
            }
            Ok(ReadingEnd::Complete)
        };
        match reading.await {
            Err(error) if is_time_up(&error) => Ok(ReadingEnd::GivenUp),
            outcome => outcome.map_err(store_fault),
        }
    }

    /// When the last of the `number` newest messages of an area was sent that have a gram; `None` where there are fewer. Reads no
    /// message.
    pub async fn find_boundary(
        self,
        Causal(session): &mut Causal,
        area: &SearchArea,
        gram: Gram,
        number: u64,
    ) -> Result<Option<Timestamp>, Fault> {
        #[derive(Deserialize)]
        struct Row {
            #[serde(deserialize_with = "timestamp")]
            created_at: Timestamp,
        }
        let mut filter = area.filter();
        filter.insert("g", gram.0);
        let messages = self.mongo.collection::<Row>(MESSAGES);
        let last = messages.find_one(filter).sort(doc! { "created_at": -1 }).skip(number.saturating_sub(1));
        let last = last.projection(doc! { "_id": 0, "created_at": 1 }).hint(hint(GRAMS_INDEX)).session(session);
        Ok(last.await.map_err(store_fault)?.map(|row| row.created_at))
    }

    /// Goes through a room from a number downwards, until who takes the messages takes no more; answers whether the room ended first.
    pub async fn walk(
        self,
        Causal(session): &mut Causal,
        room: RoomKey,
        below: Option<Seq>,
        batch: u32,
        mut take: impl FnMut(WalkedMessage) -> ControlFlow<()> + Send,
    ) -> Result<ReadingEnd, Fault> {
        let mut filter = in_room(room);
        if let Some(below) = below {
            filter.insert("seq", doc! { "$lt": below.0 });
        }
        let hidden_for = doc! { "$ifNull": ["$hidden_for", []] };
        let is_shown = doc! { "$and": [
            { "$eq": [{ "$ifNull": ["$deleted_at", Bson::Null] }, Bson::Null] },
            { "$ne": ["$message_type", MessageType::System.as_str()] },
            { "$not": [{ "$in": [self.viewer.map(|user| user.0), hidden_for] }] },
        ] };
        let fields = doc! { "seq": 1, "content": 1, "created_at": 1, "is_shown": is_shown };
        let messages = self.mongo.collection::<WalkedMessage>(MESSAGES);
        let find = messages.find(filter).sort(doc! { "seq": -1 }).projection(fields);
        let find = find.hint(hint(ROOM_SEQ_KEY)).batch_size(batch);
        let walking = async {
            let mut cursor = find.session(&mut *session).await?;
            let mut rows = cursor.stream(session);
            while let Some(row) = rows.try_next().await? {
                if take(row).is_break() {
                    return Ok(ReadingEnd::Stopped);
                }
            }
            Ok(ReadingEnd::Complete)
        };
        walking.await.map_err(store_fault)
    }

    /// Some messages whole, in no order.
    pub async fn list_whole(self, Causal(session): &mut Causal, ids: &[MessageId]) -> Result<Vec<Stored>, Fault> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let these = doc! { "_id": { "$in": ids.iter().copied().map(object_id).collect::<Vec<_>>() } };
        let messages = self.mongo.collection::<MessageDocument>(MESSAGES);
        let find = messages.find(these).projection(message_fields(self.viewer)).batch_size(one_batch(ids.len()));
        let rows: Vec<_> = async {
            let mut cursor = find.session(&mut *session).await?;
            cursor.stream(session).try_collect().await
        }
        .await
        .map_err(store_fault)?;
        Ok(rows.into_iter().map(Stored::from).collect())
    }
}

#[derive(Deserialize)]
struct RoomRow {
    #[serde(rename = "_id")]
    room: RoomKey,
}

impl Rooms<'_> {
    /// The rooms that a person is in, those with the newest messages first.
    pub async fn list_latest(
        self,
        Causal(session): &mut Causal,
        user: UserId,
        most: u32,
    ) -> Result<Vec<RoomKey>, Fault> {
        let of_kind = |kind: RoomKind| {
            let [begin, end] = crate::rooms::names_of(kind);
            doc! { "$match": { "members": user.0, "_id": { "$gt": begin, "$lt": end } } }
        };
        let (sort, limit) = (doc! { "$sort": { "last_at": -1, "_id": -1 } }, doc! { "$limit": i64::from(most) });
        let fields = doc! { "$project": { "last_at": 1 } };
        // Rooms of two people come sorted from their index; groups, of which a person has few, are sorted without their members.
        let pipeline = [
            of_kind(RoomKind::Private),
            sort.clone(),
            limit.clone(),
            fields.clone(),
            doc! { "$unionWith": { "coll": ROOMS, "pipeline": [of_kind(RoomKind::Group), fields] } },
            sort,
            limit,
            doc! { "$project": { "_id": 1 } },
        ];
        let rooms = self.0.documents(ROOMS);
        let listing = rooms.aggregate(pipeline).batch_size(one_batch(most as usize)).with_type::<RoomRow>();
        let rows: Vec<RoomRow> = async {
            let mut cursor = listing.session(&mut *session).await?;
            cursor.stream(session).try_collect().await
        }
        .await
        .map_err(store_fault)?;
        Ok(rows.into_iter().map(|row| row.room).collect())
    }

    /// Those of some rooms that a person is in.
    pub async fn list_entered(
        self,
        Causal(session): &mut Causal,
        user: UserId,
        rooms: &HashSet<RoomKey>,
    ) -> Result<HashSet<RoomKey>, Fault> {
        if rooms.is_empty() {
            return Ok(HashSet::new());
        }
        let names: Vec<String> = rooms.iter().map(ToString::to_string).collect();
        let (collection, batch) = (self.0.collection::<RoomRow>(ROOMS), one_batch(names.len()));
        let theirs = collection.find(doc! { "_id": { "$in": names }, "members": user.0 });
        let theirs = theirs.projection(doc! { "_id": 1 }).batch_size(batch);
        let rows: Vec<_> = async {
            let mut cursor = theirs.session(&mut *session).await?;
            cursor.stream(session).try_collect().await
        }
        .await
        .map_err(store_fault)?;
        Ok(rows.into_iter().map(|row| row.room).collect())
    }
}

impl SearchArea {
    fn filter(&self) -> Document {
        let rooms: Vec<i32> = self.rooms.iter().map(|room| room.0).collect();
        let mut filter = doc! { "room_type": self.kind.as_str(), "room_id": { "$in": rooms } };
        let mut span = Document::new();
        if let Some(since) = self.span.since {
            span.insert("$gte", DateTime::from_millis(since.millis()));
        }
        if let Some(before) = self.span.before {
            span.insert("$lt", DateTime::from_millis(before.millis()));
        }
        if !span.is_empty() {
            filter.insert("created_at", span);
        }
        filter
    }
}

fn hint(index: &str) -> Hint {
    Hint::Name(index.to_owned())
}

fn message_id<'de, D: serde::Deserializer<'de>>(id: D) -> Result<MessageId, D::Error> {
    ObjectId::deserialize(id).map(|id| MessageId(id.bytes()))
}

fn timestamp<'de, D: serde::Deserializer<'de>>(at: D) -> Result<Timestamp, D::Error> {
    DateTime::deserialize(at).map(|at| Timestamp::from_millis(at.timestamp_millis()))
}

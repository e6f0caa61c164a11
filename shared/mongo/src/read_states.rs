use crate::{
    Mongo,
    fault::{is_duplicate_key, store_fault},
    feed::in_room,
    order::young_entries,
    room_lists::unread,
    schema::{MESSAGES, READ_STATES, ROOMS},
    write_once_more,
};
use domain::{Code, Fault, RoomKey, Seq, UserId};
use futures_util::TryStreamExt as _;
use mongodb::{
    bson::{Document, doc},
    options::ReadConcern,
};
use serde::Deserialize;

/// Among how many messages those are looked for whose positions are still held.
const MOST_WRITTEN: i64 = 1_000;

/// How many messages of a room one person can hide from themselves: a page looks at these too.
pub const MOST_HIDDEN: i32 = 1_000;

/// The repository of `read_states`: how far each member has read, and how many messages they have hidden.
#[derive(Debug, Clone, Copy)]
pub struct ReadStates<'a>(pub(crate) &'a Mongo);

/// Where a member's cursor is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked {
    /// The newest message read.
    pub read: Seq,
    /// Whether it was an older one before.
    pub has_moved: bool,
    /// The newest message number below which nothing is being written.
    pub newest: Seq,
    /// The people in the room.
    pub members: Vec<UserId>,
    /// Whether one of two people has blocked the other.
    pub blocked: bool,
    /// Whether they were notified of a message on their devices that they have read only now.
    pub was_notified: bool,
}

impl ReadStates<'_> {
    /// Moves a member's cursor forward to a message, at most to the newest below which no other is being written, and answers
    /// where it is. It never moves back.
    ///
    /// Reads the room as the primary has it: a reservation may not be known to a majority yet, and neither its release. A message
    /// that is there is waited for by nobody, whatever became of its writer.
    pub async fn mark(self, room: RoomKey, user: UserId, seq: Seq) -> Result<Marked, Fault> {
        #[derive(Deserialize)]
        struct Room {
            seq: Seq,
            members: Vec<UserId>,
            blocked: bool,
        }
        #[derive(Deserialize)]
        struct Cursor {
            read_seq: Seq,
            #[serde(default)]
            notified_seq: Seq,
        }
        let reserved = doc! { "$map": { "input": young_entries(), "as": "entry", "in": "$$entry.seq" } };
        let reserved = doc! { "$filter": { "input": reserved, "as": "seq", "cond": { "$isNumber": "$$seq" } } };
        let mut since = in_room(room);
        since.insert("$expr", doc! { "$gte": ["$seq", "$$lowest"] });
        let lowest = doc! { "$ifNull": [{ "$min": "$reserved" }, { "$add": ["$seq", 1_i64] }] };
        let missing = doc! { "$min": { "$setDifference": ["$reserved", "$written.seq"] } };
        let pipeline = [
            doc! { "$match": { "_id": room.to_string(), "members": user.0 } },
            doc! { "$project": { "_id": 0, "seq": 1, "members": 1, "blocked": 1, "reserved": reserved } },
            doc! { "$lookup": {
                "from": MESSAGES, "let": { "lowest": lowest }, "as": "written",
                "pipeline": [{ "$match": since }, { "$limit": MOST_WRITTEN }, { "$project": { "_id": 0, "seq": 1 } }],
            } },
            doc! { "$set": { "seq": { "$min": ["$seq", { "$subtract": [missing, 1_i64] }] } } },
            doc! { "$unset": ["reserved", "written"] },
        ];
        let rooms = self.0.documents(ROOMS);
        let found: Option<Room> = async {
            let aggregate = rooms.aggregate(pipeline).read_concern(ReadConcern::local());
            aggregate.with_type::<Room>().await?.try_next().await
        }
        .await
        .map_err(store_fault)?;
        let Room { seq: newest, members, blocked } = found.ok_or(Code::RoomNotFound)?;
        let read = seq.clamp(Seq(0), newest);
        let forward = doc! { "$max": { "read_seq": read.0 } };
        let this = doc! { "_id": state_id(room, user) };
        let states = self.0.collection::<Cursor>(READ_STATES);
        let write = || async { states.find_one_and_update(this.clone(), forward.clone()).upsert(true).await };
        let before = write_once_more(write).await.map_err(store_fault)?;
        let (before, notified) = before.map_or_else(Default::default, |cursor| (cursor.read_seq, cursor.notified_seq));
        let was_notified = notified > before && notified <= read;
        Ok(Marked { read: read.max(before), has_moved: read > before, newest, members, blocked, was_notified })
    }

    /// Forgets how far a person has read in some rooms.
    pub async fn remove(self, user: UserId, rooms: &[RoomKey]) -> Result<(), Fault> {
        if rooms.is_empty() {
            return Ok(());
        }
        let these: Vec<_> = rooms.iter().map(|room| doc! { "room": room.to_string(), "user": user.0 }).collect();
        let states = self.0.documents(READ_STATES);
        states.delete_many(doc! { "_id": { "$in": these } }).await.map_err(store_fault)?;
        Ok(())
    }

    /// Counts one more message that somebody hides from themselves; `false` where they have hidden as many as possible.
    pub async fn count_hidden(self, room: RoomKey, user: UserId) -> Result<bool, Fault> {
        let few = doc! { "_id": state_id(room, user), "hidden": { "$not": { "$gte": MOST_HIDDEN } } };
        let count = doc! { "$inc": { "hidden": 1 }, "$setOnInsert": { "read_seq": 0_i64 } };
        let states = self.0.documents(READ_STATES);
        match write_once_more(|| async { states.update_one(few.clone(), count.clone()).upsert(true).await }).await {
            Ok(_) => Ok(true),
            Err(error) if is_duplicate_key(&error) => Ok(false),
            Err(error) => Err(store_fault(error)),
        }
    }

    /// Takes one back that was counted and not hidden.
    pub async fn uncount_hidden(self, room: RoomKey, user: UserId) -> Result<(), Fault> {
        let this = doc! { "_id": state_id(room, user) };
        let states = self.0.documents(READ_STATES);
        states.update_one(this, doc! { "$inc": { "hidden": -1 } }).await.map_err(store_fault)?;
        Ok(())
    }

    /// How many messages between what a member has read and the room's newest they have not; see `RoomSummary::unread`.
    pub async fn count_unread(self, room: RoomKey, user: UserId, read: Seq, newest: Seq) -> Result<i32, Fault> {
        #[derive(Deserialize)]
        struct Count {
            unread: i32,
        }
        let pipeline = unread(room, user, read, newest);
        let messages = self.0.documents(MESSAGES);
        let counted: Option<Count> =
            async { messages.aggregate(pipeline).with_type::<Count>().await?.try_next().await }
                .await
                .map_err(store_fault)?;
        Ok(counted.map_or(0, |count| count.unread))
    }
}

pub(crate) fn state_id(room: RoomKey, user: UserId) -> Document {
    doc! { "room": room.to_string(), "user": user.0 }
}

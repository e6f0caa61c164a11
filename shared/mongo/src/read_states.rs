use crate::{
    Mongo,
    fault::store_fault,
    order::young_entries,
    room_lists::unread,
    schema::{MESSAGES, READ_STATES, ROOMS},
    upsert,
};
use domain::{Code, Fault, RoomKey, Seq, UserId};
use futures_util::TryStreamExt as _;
use mongodb::{bson::doc, options::ReadConcern};
use serde::Deserialize;

/// The repository of `read_states`: how far each member has read.
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
}

impl ReadStates<'_> {
    /// Moves a member's cursor forward to a message, at most to the newest below which no other is being written, and answers
    /// where it is. It never moves back.
    ///
    /// Reads the room as the primary has it: a reservation may not be known to a majority yet, and neither its release.
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
        }
        let theirs = doc! { "_id": room.to_string(), "members": user.0 };
        let rooms = self.0.collection::<Room>(ROOMS);
        let lowest = doc! { "$min": { "$map": { "input": young_entries(), "as": "entry", "in": "$$entry.seq" } } };
        let seq_written = doc! { "$min": ["$seq", { "$subtract": [lowest, 1_i64] }] };
        let fields = doc! { "_id": 0, "seq": seq_written, "members": 1, "blocked": 1 };
        let found = rooms.find_one(theirs).projection(fields).read_concern(ReadConcern::local()).await;
        let Room { seq: newest, members, blocked } = found.map_err(store_fault)?.ok_or(Code::RoomNotFound)?;
        let read = seq.clamp(Seq(0), newest);
        let forward = doc! { "$max": { "read_seq": read.0 } };
        let this = doc! { "_id": { "room": room.to_string(), "user": user.0 } };
        let states = self.0.collection::<Cursor>(READ_STATES);
        let write = || async { states.find_one_and_update(this.clone(), forward.clone()).upsert(true).await };
        let before = upsert(write).await.map_err(store_fault)?.map_or(Seq(0), |cursor| cursor.read_seq);
        Ok(Marked { read: read.max(before), has_moved: read > before, newest, members, blocked })
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

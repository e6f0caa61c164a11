use crate::{
    Mongo,
    claims::Lease,
    fault::{is_duplicate_key, store_fault},
    feed::in_room,
    order::young_entries,
    room_lists::unread,
    schema::{MESSAGES, PEOPLE, READ_STATES, ROOMS},
    write_once_more,
};
use domain::{Fault, RoomKey, Seq, UserId};
use futures_util::TryStreamExt as _;
use mongodb::{
    bson::{Bson, Document, doc},
    options::ReadConcern,
};
use serde::{Deserialize, de::DeserializeOwned};

/// Among how many messages those are looked for whose positions are still held.
const MOST_WRITTEN: i64 = 1_000;

/// How many messages of a room one person can hide from themselves: a page looks at these too.
pub const MOST_HIDDEN: i32 = 1_000;

/// The size up to which a room's members are told who types and who has read what.
pub const MOST_TOLD: usize = 50;

/// The repository of `read_states`: how far each member has read and received, and how many messages they have hidden.
#[derive(Debug, Clone, Copy)]
pub struct ReadStates<'a>(pub(crate) &'a Mongo);

/// The two cursors of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Up to where they have read.
    Read,
    /// Up to where messages have been delivered to them.
    Delivered,
}

/// What a cursor may be moved to, and who is to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outlook {
    /// The newest message that is there and below which nothing is being written.
    pub newest: Seq,
    /// The people in the room.
    pub members: Vec<UserId>,
    /// Whether one of two people has blocked the other.
    pub blocked: bool,
    /// Those of a small room's members who neither tell others what they have read nor are told.
    pub hiding: Vec<UserId>,
}

/// Where a member's cursor is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked {
    /// The newest message read.
    pub read: Seq,
    /// Whether it was an older one before.
    pub has_moved: bool,
    /// The newest message that is there and below which nothing is being written.
    pub newest: Seq,
    /// Whether they were notified of a message on their devices that they have read only now, or are being notified of one.
    pub was_notified: bool,
}

/// How far everybody in a room has read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomReceipts {
    /// The people in the room.
    pub members: Vec<UserId>,
    /// Whether one of two people has blocked the other.
    pub blocked: bool,
    /// Those who neither tell others what they have read nor are told.
    pub hiding: Vec<UserId>,
    /// The cursors of a small room's members who have any.
    pub cursors: Vec<Receipt>,
}

/// How far somebody has read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// Who.
    pub user: UserId,
    /// The newest message read.
    pub read: Seq,
    /// The newest message that has arrived.
    pub delivered: Seq,
}

/// Who of a room has read a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readers {
    /// The people in the room.
    pub members: Vec<UserId>,
    /// Whether one of two people has blocked the other.
    pub blocked: bool,
    /// Those who neither tell others what they have read nor are told.
    pub hiding: Vec<UserId>,
    /// Who has read it, also of those who are in the room no more.
    pub readers: Vec<UserId>,
}

impl ReadStates<'_> {
    /// The limit to which a member's cursor may be moved; `None` for a person who is not in the room.
    ///
    /// Reads the room from the primary, since a majority may not know the latest reservations and releases. A written message counts
    /// even if its writer has not released it; a reserved position without a message may still get one.
    pub async fn look(self, room: RoomKey, user: UserId) -> Result<Option<Outlook>, Fault> {
        #[derive(Deserialize)]
        struct Row {
            newest: Seq,
            members: Vec<UserId>,
            blocked: bool,
            #[serde(default)]
            hiding: Vec<UserId>,
        }
        let reserved = doc! { "$map": { "input": young_entries(), "as": "entry", "in": "$$entry.seq" } };
        let reserved = doc! { "$filter": { "input": reserved, "as": "seq", "cond": { "$isNumber": "$$seq" } } };
        let number = doc! { "$project": { "_id": 0, "seq": 1 } };
        let mut since = in_room(room);
        since.insert("$expr", doc! { "$gte": ["$seq", "$$lowest"] });
        let lowest = doc! { "$ifNull": [{ "$min": "$reserved" }, { "$add": ["$seq", 1_i64] }] };
        let missing = doc! { "$min": { "$setDifference": ["$reserved", "$written.seq"] } };
        let mut until = in_room(room);
        until.insert("$expr", doc! { "$lte": ["$seq", "$$bound"] });
        let mut pipeline = vec![
            doc! { "$match": { "_id": room.to_string(), "members": user.0 } },
            doc! { "$project": { "_id": 0, "seq": 1, "members": 1, "blocked": 1, "reserved": reserved } },
            doc! { "$lookup": {
                "from": MESSAGES, "let": { "lowest": lowest }, "as": "written",
                "pipeline": [{ "$match": since }, { "$limit": MOST_WRITTEN }, &number],
            } },
            doc! { "$lookup": {
                "from": MESSAGES, "let": { "bound": { "$min": ["$seq", { "$subtract": [missing, 1_i64] }] } }, "as": "newest",
                "pipeline": [{ "$match": until }, { "$sort": { "seq": -1 } }, { "$limit": 1 }, number],
            } },
            doc! { "$set": { "newest": { "$ifNull": [{ "$first": "$newest.seq" }, 0_i64] } } },
        ];
        pipeline.extend(with_hiding(true));
        pipeline.push(doc! { "$unset": ["reserved", "written", "told"] });
        let rooms = self.0.documents(ROOMS);
        let found = async {
            let aggregate = rooms.aggregate(pipeline).read_concern(ReadConcern::local());
            aggregate.with_type::<Row>().await?.try_next().await
        };
        let found = found.await.map_err(store_fault)?;
        Ok(found.map(|Row { newest, members, blocked, hiding }| Outlook { newest, members, blocked, hiding }))
    }

    /// Moves one of a member's cursors forward, at most to the newest message, and answers where it is.
    pub async fn advance(
        self,
        room: RoomKey,
        user: UserId,
        progress: Progress,
        seq: Seq,
        newest: Seq,
    ) -> Result<Marked, Fault> {
        #[derive(Deserialize)]
        struct Before {
            #[serde(default)]
            cursor: Seq,
            #[serde(default)]
            notified_seq: Seq,
            /// What a request to their devices may be under way of.
            lease: Option<Lease>,
        }
        let (field, read) = (progress.field(), seq.clamp(Seq(0), newest));
        let mut forward = doc! { "$max": { field: read.0 } };
        if progress == Progress::Delivered {
            // Lists expect it in every row.
            forward.insert("$setOnInsert", doc! { "read_seq": 0_i64 });
        }
        let this = doc! { "_id": state_id(room, user) };
        let states = self.0.collection::<Before>(READ_STATES);
        let before = doc! { "_id": 0, "cursor": format!("${field}"), "notified_seq": 1, "lease.seq": 1 };
        let write = || async {
            states.find_one_and_update(this.clone(), forward.clone()).projection(before.clone()).upsert(true).await
        };
        let before = write_once_more(write).await.map_err(store_fault)?;
        let (before, notified, claimed) = before
            .map_or_else(Default::default, |row| (row.cursor, row.notified_seq, row.lease.map(|lease| lease.seq)));
        let is_new = |seq: Seq| before < seq && seq <= read;
        let was_notified = progress == Progress::Read && (is_new(notified) || claimed.is_some_and(is_new));
        Ok(Marked { read: read.max(before), has_moved: read > before, newest, was_notified })
    }

    /// How far each member has read; without cursors in a large room. `None` for a person who is not in the room.
    pub async fn list_receipts(self, room: RoomKey, user: UserId) -> Result<Option<RoomReceipts>, Fault> {
        #[derive(Deserialize)]
        struct Row {
            members: Vec<UserId>,
            blocked: bool,
            #[serde(default)]
            hiding: Vec<UserId>,
            states: Vec<StateRow>,
        }
        let state = doc! { "room": room.to_string(), "user": "$$user" };
        let mut pipeline = members_of(room, user);
        pipeline.extend(with_hiding(true));
        pipeline.extend([
            doc! { "$set": { "states": { "$map": { "input": "$told", "as": "user", "in": state } } } },
            doc! { "$lookup": { "from": READ_STATES, "localField": "states", "foreignField": "_id", "as": "states" } },
        ]);
        let row: Option<Row> = self.find_in_room(pipeline).await?;
        Ok(row.map(|Row { members, blocked, hiding, states }| {
            let cursors = states.into_iter().map(|row| Receipt {
                user: row.id.user,
                read: row.read_seq,
                delivered: row.delivered_seq.max(row.read_seq),
            });
            RoomReceipts { members, blocked, hiding, cursors: cursors.collect() }
        }))
    }

    /// Who has read a message of a room; `None` for a person who is not in the room.
    pub async fn list_readers(self, room: RoomKey, user: UserId, seq: Seq) -> Result<Option<Readers>, Fault> {
        #[derive(Deserialize)]
        struct Row {
            members: Vec<UserId>,
            blocked: bool,
            #[serde(default)]
            hiding: Vec<UserId>,
            readers: Vec<UserId>,
        }
        let id = |user: Bson| doc! { "room": room.to_string(), "user": user };
        let of_room = doc! { "$gte": id(Bson::MinKey), "$lte": id(Bson::MaxKey) };
        let mut pipeline = members_of(room, user);
        pipeline.extend(with_hiding(false));
        pipeline.extend([
            doc! { "$lookup": {
                "from": READ_STATES, "as": "readers",
                "pipeline": [
                    { "$match": { "_id": of_room, "read_seq": { "$gte": seq.0 } } },
                    { "$project": { "_id": 1 } },
                ],
            } },
            doc! { "$set": { "readers": "$readers._id.user" } },
        ]);
        let row: Option<Row> = self.find_in_room(pipeline).await?;
        Ok(row.map(|Row { members, blocked, hiding, readers }| Readers { members, blocked, hiding, readers }))
    }

    async fn find_in_room<T: DeserializeOwned + Send + Sync + Unpin>(
        self,
        pipeline: Vec<Document>,
    ) -> Result<Option<T>, Fault> {
        let rooms = self.0.documents(ROOMS);
        async { rooms.aggregate(pipeline).with_type::<T>().await?.try_next().await }.await.map_err(store_fault)
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

    /// Counts one more hidden message of a person in a room; `false` if they have hidden the largest possible number.
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

    /// Undoes a count whose message was not hidden.
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

impl Progress {
    fn field(self) -> &'static str {
        match self {
            Self::Read => "read_seq",
            Self::Delivered => "delivered_seq",
        }
    }
}

#[derive(Deserialize)]
struct StateRow {
    #[serde(rename = "_id")]
    id: StateId,
    read_seq: Seq,
    #[serde(default)]
    delivered_seq: Seq,
}

#[derive(Deserialize)]
struct StateId {
    user: UserId,
}

/// A room, for one of its members.
fn members_of(room: RoomKey, user: UserId) -> Vec<Document> {
    vec![
        doc! { "$match": { "_id": room.to_string(), "members": user.0 } },
        doc! { "$project": { "_id": 0, "members": 1, "blocked": 1 } },
    ]
}

/// Adds who is told what others have read, `told`, and who of these has switched that off, `hiding`.
fn with_hiding(only_small_rooms: bool) -> [Document; 3] {
    let most = i64::try_from(MOST_TOLD).unwrap_or(i64::MAX);
    let is_small = doc! { "$lte": [{ "$size": "$members" }, most] };
    let told = if only_small_rooms {
        Bson::from(doc! { "$cond": [is_small, "$members", []] })
    } else {
        Bson::from("$members")
    };
    [
        doc! { "$set": { "told": told } },
        doc! { "$lookup": {
            "from": PEOPLE, "localField": "told", "foreignField": "_id", "as": "hiding",
            "pipeline": [{ "$match": { "read_receipts": false } }, { "$project": { "_id": 1 } }],
        } },
        doc! { "$set": { "hiding": "$hiding._id" } },
    ]
}

pub(crate) fn state_id(room: RoomKey, user: UserId) -> Document {
    doc! { "room": room.to_string(), "user": user.0 }
}

use crate::{
    Rooms, Stored,
    fault::store_fault,
    feed::by_id,
    messages::{MessageDocument, QuoteDocument, lookup_quotes, message_fields, visible_to},
    notification_settings::RoomSettingsRow,
    one_batch,
    schema::{MESSAGES, READ_STATES, ROOM_SEQ_KEY, ROOMS},
};
use domain::{
    Fault, Message, MessageId, MessageType, Page, PageSize, Quote, RoomId, RoomKey, RoomKind, Seq, Timestamp, UserId,
    notification::RoomSettings,
};
use futures_util::TryStreamExt as _;
use mongodb::{
    bson::{DateTime, Document, doc},
    options::Hint,
};
use serde::{Deserialize, de::DeserializeOwned};
use std::collections::HashMap;

/// The most unread messages that are counted: it stands for 99 and more.
pub const MOST_UNREAD: i32 = 100;

/// Among how many of the newest messages unread ones are counted: somebody may have written thousands to whoever never answered.
const MOST_COUNTED: i64 = 1_000;

/// The most rooms that one page of rooms with unread messages looks at.
const MOST_ROOMS: u32 = 1_000;

/// A room as one of its members finds it in their list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomSummary {
    /// Which.
    pub room: RoomKey,
    /// When something last happened in it.
    pub last_at: Timestamp,
    /// The newest message, a deleted one too.
    pub last_message: Option<Message>,
    /// How many messages they have not read, without their own, deleted and system ones; 100 means 99 and more. Of the newest
    /// 1,000.
    pub unread: i32,
}

/// A page of rooms.
#[derive(Debug)]
pub struct RoomPage {
    /// The rooms, the newest activity first.
    pub rooms: Page<RoomSummary, ActivityKey>,
    /// What those last messages answer that are replies.
    pub quotes: HashMap<MessageId, Quote>,
}

/// A room with messages that a member has not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnreadRoom {
    /// Which.
    pub room: RoomKey,
    /// The newest message that they have read.
    pub read_seq: Seq,
    /// See [`RoomSummary::unread`].
    pub unread: i32,
    /// How many members it has.
    pub members: usize,
    /// What they want otherwise there.
    pub settings: RoomSettings,
}

/// Where a page of rooms begins: when something last happened in the last one before it, in milliseconds, and which it was.
pub type ActivityKey = (i64, RoomKey);

#[derive(Deserialize)]
struct RoomRow {
    #[serde(rename = "_id")]
    room: RoomKey,
    seq: Seq,
    last_at: DateTime,
    #[serde(default)]
    size: usize,
}

#[derive(Deserialize)]
struct StateRow {
    #[serde(rename = "_id")]
    id: StateId,
    read_seq: Seq,
    #[serde(flatten)]
    settings: RoomSettingsRow,
}

#[derive(Deserialize)]
struct StateId {
    room: RoomKey,
}

#[derive(Deserialize)]
struct ListRow {
    rooms: Vec<RoomRow>,
    states: Vec<StateRow>,
    #[serde(default)]
    lasts: Vec<MessageDocument>,
    #[serde(default)]
    quotes: Vec<QuoteDocument>,
}

#[derive(Deserialize)]
struct NewestRow {
    newest: Vec<MessageDocument>,
    quotes: Vec<QuoteDocument>,
}

#[derive(Deserialize)]
struct UnreadRow {
    #[serde(rename = "_id")]
    room: RoomKey,
    unread: i32,
}

/// A room whose unread messages are to be counted.
#[derive(Clone, Copy)]
struct Counted {
    room: RoomKey,
    read: Seq,
    newest: Seq,
}

impl Rooms<'_> {
    /// A person's rooms of one kind, the newest activity first: one read for the rooms, and one for what is unread. A page of groups
    /// looks at all of them, of which there are few: an index by activity would be written for each member with every message.
    pub async fn list(
        self,
        user: UserId,
        kind: RoomKind,
        before: Option<&ActivityKey>,
        size: PageSize,
    ) -> Result<RoomPage, Fault> {
        let (first, end) = (format!("{}:", kind.as_str()), format!("{};", kind.as_str()));
        let mut theirs = doc! { "members": user.0, "_id": { "$gt": first, "$lt": end } };
        if let Some((millis, room)) = before {
            let (at, room) = (DateTime::from_millis(*millis), room.to_string());
            // The bound by itself says where in the index the page begins.
            theirs.insert("last_at", doc! { "$lte": at });
            theirs.insert("$or", [doc! { "last_at": { "$lt": at } }, doc! { "_id": { "$lt": room } }].to_vec());
        }
        let without_members = doc! { "$project": { "last_at": 1, "seq": 1, "last_id": 1 } };
        let mut pipeline = vec![
            doc! { "$match": theirs },
            doc! { "$sort": { "last_at": -1, "_id": -1 } },
            doc! { "$limit": size.and_one() },
        ];
        // Groups are sorted in memory, so without their members; private rooms come sorted from their index.
        let position = if kind == RoomKind::Group { 1 } else { pipeline.len() };
        pipeline.insert(position, without_members);
        let (rooms, quotes) = self.summaries(user, pipeline).await?;
        Ok(RoomPage { rooms: Page::cut(rooms, size, |room| (room.last_at.millis(), room.room)), quotes })
    }

    /// A room as one of its members finds it in their list.
    pub async fn find(
        self,
        room: RoomKey,
        user: UserId,
    ) -> Result<Option<(RoomSummary, HashMap<MessageId, Quote>)>, Fault> {
        let pipeline = vec![
            doc! { "$match": { "_id": room.to_string(), "members": user.0 } },
            doc! { "$project": { "last_at": 1, "seq": 1, "last_id": 1 } },
        ];
        let (mut rooms, quotes) = self.summaries(user, pipeline).await?;
        Ok(rooms.pop().map(|room| (room, quotes)))
    }

    /// A person's rooms with unread messages, by name: one read for the rooms, and one that counts. A page looks at a bounded number
    /// of rooms, so it may have fewer items than it could, or none, and still have a next one.
    pub async fn list_unread(
        self,
        user: UserId,
        after: Option<RoomKey>,
        size: PageSize,
    ) -> Result<Page<UnreadRoom, RoomKey>, Fault> {
        let after = after.map(|room| room.to_string()).unwrap_or_default();
        let mut pipeline = vec![
            doc! { "$match": { "members": user.0, "_id": { "$gt": after }, "seq": { "$gt": 0 } } },
            doc! { "$sort": { "_id": 1 } },
            doc! { "$limit": MOST_ROOMS },
            doc! { "$project": { "seq": 1, "last_at": 1, "size": { "$size": "$members" } } },
        ];
        pipeline.extend(with_read_states(user));
        let Some(found) = self.read_list(pipeline).await? else { return Ok(Page { items: Vec::new(), next: None }) };
        let read = read_seqs(&found.states);
        let counted = found.rooms.iter().map(|row| Counted::of(row, &read)).filter(|room| room.newest > room.read);
        let mut candidates: Vec<_> = counted.collect();
        let most = usize::try_from(size.get()).unwrap_or(usize::MAX);
        let next = if candidates.len() > most {
            candidates.truncate(most);
            candidates.last().map(|room| room.room)
        } else {
            found.rooms.last().filter(|_| found.rooms.len() == MOST_ROOMS as usize).map(|row| row.room)
        };
        let counts = self.count_unread(user, &candidates).await?;
        let sizes: HashMap<_, _> = found.rooms.iter().map(|row| (row.room, row.size)).collect();
        let settings: HashMap<_, _> = found.states.iter().map(|state| (state.id.room, state.settings)).collect();
        let items = candidates.iter().filter_map(|Counted { room, read, .. }| {
            let unread = *counts.get(room)?;
            let members = sizes.get(room).copied().unwrap_or(0);
            let settings = settings.get(room).copied().unwrap_or_default().into();
            (unread > 0).then_some(UnreadRoom { room: *room, read_seq: *read, unread, members, settings })
        });
        Ok(Page { items: items.collect(), next })
    }

    async fn summaries(
        self,
        user: UserId,
        mut pipeline: Vec<Document>,
    ) -> Result<(Vec<RoomSummary>, HashMap<MessageId, Quote>), Fault> {
        pipeline.extend(with_read_states(user));
        pipeline.extend([
            doc! { "$set": { "lasts": "$rooms.last_id" } },
            doc! { "$lookup": {
                "from": MESSAGES, "localField": "lasts", "foreignField": "_id", "as": "lasts",
                "pipeline": [{ "$match": visible_to(user) }, { "$project": message_fields(Some(user)) }],
            } },
            doc! { "$set": { "answered": "$lasts.reply_to" } },
            lookup_quotes("answered"),
            doc! { "$unset": "answered" },
        ]);
        let Some(found) = self.read_list(pipeline).await? else { return Ok((Vec::new(), HashMap::new())) };
        let read = read_seqs(&found.states);
        let counted: Vec<_> = found.rooms.iter().map(|row| Counted::of(row, &read)).collect();
        let mut lasts: HashMap<RoomKey, Message> = HashMap::new();
        for row in found.lasts {
            let message = Stored::from(row).message;
            lasts.insert(message.room, message);
        }
        let mut unread = HashMap::new();
        let mut unseen = Vec::new();
        for room in counted.iter().filter(|room| room.newest > room.read) {
            // The one message after the last that was read is known already.
            match lasts.get(&room.room).filter(|last| last.seq == room.newest && room.newest.0 == room.read.0 + 1) {
                Some(last) => drop(unread.insert(room.room, i32::from(is_counted(last, user)))),
                None => unseen.push(*room),
            }
        }
        // The newest position has no visible row: its writer is late or died, or the message was moved or is hidden.
        let is_stale =
            |room: &&Counted| room.newest.0 > 0 && lasts.get(&room.room).is_none_or(|m| m.seq != room.newest);
        let stale: Vec<_> = counted.iter().filter(is_stale).map(|room| room.room).collect();
        let (counts, newest) = tokio::try_join!(self.count_unread(user, &unseen), self.list_newest(&stale, user))?;
        unread.extend(counts);
        let mut quotes = by_id(found.quotes);
        for row in newest {
            lasts.extend(
                row.newest.into_iter().map(|row| Stored::from(row).message).map(|message| (message.room, message)),
            );
            quotes.extend(by_id(row.quotes));
        }
        let summaries = found.rooms.into_iter().map(|row| RoomSummary {
            room: row.room,
            last_at: Timestamp::from_millis(row.last_at.timestamp_millis()),
            last_message: lasts.remove(&row.room),
            unread: unread.get(&row.room).copied().unwrap_or(0),
        });
        Ok((summaries.collect(), quotes))
    }

    async fn read_list(self, pipeline: Vec<Document>) -> Result<Option<ListRow>, Fault> {
        async { self.0.documents(ROOMS).aggregate(pipeline).with_type::<ListRow>().await?.try_next().await }
            .await
            .map_err(store_fault)
    }

    /// What is unread in each of some rooms: one read.
    async fn count_unread(self, user: UserId, rooms: &[Counted]) -> Result<HashMap<RoomKey, i32>, Fault> {
        if rooms.is_empty() {
            return Ok(HashMap::new());
        }
        let (few, many): (Vec<&Counted>, Vec<_>) = rooms.iter().partition(|room| room.has_few());
        let many = many.into_iter().map(|counted| {
            let mut pipeline = unread(counted.room, user, counted.read, counted.newest);
            pipeline.push(doc! { "$set": { "_id": counted.room.to_string() } });
            doc! { "$unionWith": { "coll": MESSAGES, "pipeline": pipeline } }
        });
        let rows: Vec<UnreadRow> = if few.is_empty() {
            self.ask(&[], many.collect()).await?
        } else {
            let few = unread_in_each(&few, user).into_iter().chain(many);
            let messages = self.0.documents(MESSAGES);
            // Left to itself, the planner may walk all that others have written.
            let counted = messages.aggregate(few).hint(Hint::Name(ROOM_SEQ_KEY.to_owned()));
            let counted = counted.batch_size(one_batch(rooms.len()));
            async { counted.with_type::<UnreadRow>().await?.try_collect().await }.await.map_err(store_fault)?
        };
        // Some may have been written since the newest one was read.
        Ok(rows.into_iter().map(|row| (row.room, row.unread.min(MOST_UNREAD))).collect())
    }

    /// The newest message that is there of each of some rooms.
    async fn list_newest(self, rooms: &[RoomKey], viewer: UserId) -> Result<Vec<NewestRow>, Fault> {
        if rooms.is_empty() {
            return Ok(Vec::new());
        }
        let mut seen = doc! { "$expr": { "$eq": ["$room_type", "$$type"] } };
        seen.extend(visible_to(viewer));
        let pipeline = [
            doc! { "$match": seen },
            doc! { "$sort": { "seq": -1 } },
            doc! { "$limit": 1 },
            doc! { "$project": message_fields(Some(viewer)) },
        ];
        let lookup = doc! { "$lookup": {
            "from": MESSAGES, "localField": "id", "foreignField": "room_id", "let": { "type": "$type" },
            "pipeline": pipeline, "as": "newest",
        } };
        let rooms: Vec<_> = rooms.iter().map(|room| named(*room)).collect();
        self.ask(&rooms, vec![lookup, lookup_quotes("newest.reply_to")]).await
    }

    /// Runs a pipeline that begins with documents that the store has nowhere.
    pub(crate) async fn ask<T: DeserializeOwned + Send + Sync + Unpin>(
        self,
        documents: &[Document],
        stages: Vec<Document>,
    ) -> Result<Vec<T>, Fault> {
        let (database, batch) = (&self.0.database, one_batch(documents.len().max(stages.len())));
        let pipeline = std::iter::once(doc! { "$documents": documents }).chain(stages);
        async { database.aggregate(pipeline).batch_size(batch).with_type::<T>().await?.try_collect().await }
            .await
            .map_err(store_fault)
    }
}

impl Counted {
    fn of(row: &RoomRow, read: &HashMap<RoomKey, Seq>) -> Self {
        Self { room: row.room, read: read.get(&row.room).copied().unwrap_or_default(), newest: row.seq }
    }

    /// Whether so few messages may be unread that all of them can be looked at.
    fn has_few(&self) -> bool {
        self.newest.0 - self.read.0 <= i64::from(MOST_UNREAD)
    }
}

/// Whether a message counts as unread for a member who has not read it.
fn is_counted(message: &Message, user: UserId) -> bool {
    message.user != user && message.deleted_at.is_none() && message.message_type != MessageType::System
}

/// Counts what a member has not read in each of some rooms: many ranges of one index, where a pipeline for each costs twice the time.
fn unread_in_each(rooms: &[&Counted], user: UserId) -> Vec<Document> {
    let range = |counted: &&Counted| {
        let RoomKey { kind, id } = counted.room;
        doc! { "room_type": kind.as_str(), "room_id": id.0, "seq": { "$gt": counted.read.0 } }
    };
    let mut unread = counted_for(user);
    unread.insert("$or", rooms.iter().map(range).collect::<Vec<_>>());
    vec![doc! { "$match": unread }, doc! { "$group": { "_id": room_name(), "unread": { "$sum": 1 } } }]
}

/// Which messages count as unread for a member who has not read them; see [`is_counted`].
pub(crate) fn counted_for(user: UserId) -> Document {
    let mut counted = visible_to(user);
    counted.extend(doc! {
        "user_id": { "$ne": user.0 }, "deleted_at": null, "message_type": { "$ne": MessageType::System.as_str() },
    });
    counted
}

/// The name of a message's room, as documents of rooms are named.
pub(crate) fn room_name() -> Document {
    doc! { "$concat": ["$room_type", ":", { "$toString": "$room_id" }] }
}

/// Counts what a member has not read in a room, the newest first. The order names the index: without it the planner races all
/// of them.
pub(crate) fn unread(room: RoomKey, user: UserId, read: Seq, newest: Seq) -> Vec<Document> {
    let seen = read.max(Seq(newest.0 - MOST_COUNTED)).0;
    let mut of_others = doc! { "room_type": room.kind.as_str(), "room_id": room.id.0, "seq": { "$gt": seen } };
    of_others.extend(counted_for(user));
    vec![
        doc! { "$match": of_others },
        doc! { "$sort": { "seq": -1 } },
        doc! { "$limit": MOST_UNREAD },
        doc! { "$count": "unread" },
    ]
}

/// Puts rooms into one document and adds how far a member has read in them.
fn with_read_states(user: UserId) -> [Document; 2] {
    let state = doc! { "room": "$_id", "user": user.0 };
    [
        doc! { "$group": { "_id": null, "rooms": { "$push": "$$ROOT" }, "states": { "$push": state } } },
        doc! { "$lookup": { "from": READ_STATES, "localField": "states", "foreignField": "_id", "as": "states" } },
    ]
}

fn read_seqs(states: &[StateRow]) -> HashMap<RoomKey, Seq> {
    states.iter().map(|state| (state.id.room, state.read_seq)).collect()
}

fn named(room: RoomKey) -> Document {
    let RoomKey { kind, id: RoomId(id) } = room;
    doc! { "room": room.to_string(), "type": kind.as_str(), "id": id }
}

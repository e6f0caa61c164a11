use crate::{
    Causal, Mongo, Reservation,
    fault::{is_duplicate_key, store_fault},
    feed::{by_id, in_room},
    one_batch,
    reactions::counted_reactions,
    schema::MESSAGES,
    w1,
};
use domain::{
    ClientId, ConnectionId, Content, Fault, LatestChange, Mentions, MentionsAll, Message, MessageDraft, MessageId,
    MessageType, MessageVersion, Page, PageSize, Pin, Quote, Reaction, Rev, Role, RoomEvent, RoomId, RoomKey, RoomKind,
    Seq, System, SystemKind, Timestamp, UserId,
};
use futures_util::TryStreamExt as _;
use mongodb::{
    Collection,
    bson::{Binary, Bson, DateTime, Document, doc, oid::ObjectId, spec::BinarySubtype},
    options::{ReturnDocument, UpdateModifications},
};
use serde::{Deserialize, Serialize};
use std::{collections::HashMap, time::Duration};

/// For how long a message whose delivery is pending is left to its writer.
const WRITER_HAS: Duration = Duration::from_secs(5);

/// The most connections that are noted as not reached; with more of them all are pushed to again.
const MOST_FAILED: usize = 25;

/// How many earlier texts a message keeps, and how many bytes of them.
const MOST_VERSIONS: i32 = 20;
const MOST_HISTORY_BYTES: i32 = 64 * 1024;

/// For how many people one message can be hidden: in a room of 1,000 some have left.
const MOST_HIDDEN_FOR: i32 = 2_000;

/// The fields of [`MessageDocument`] that leave the store as they are.
const MESSAGE_FIELDS: [&str; 22] = [
    "user_id",
    "room_id",
    "room_type",
    "content",
    "message_type",
    "system",
    "reply_to",
    "mentions",
    "mentions_all",
    "forwarded_from",
    "is_edited",
    "edited_at",
    "created_at",
    "updated_at",
    "seq",
    "rev",
    "client_id",
    "fingerprint",
    "deleted_at",
    "fanout",
    "pinned",
    "change",
];

/// Where a page of somebody's messages begins: when the last one before it was sent, in milliseconds, and which it was.
pub type AuthorKey = (i64, MessageId);

/// The repository of `messages`.
#[derive(Debug, Clone, Copy)]
pub struct Messages<'a> {
    pub(crate) mongo: &'a Mongo,
    /// For whom messages are read; reactions then say whether one is theirs.
    pub(crate) viewer: Option<UserId>,
}

/// The document of the collection `messages`. Not `Debug`: a message's text never reaches a log.
#[derive(Serialize, Deserialize)]
pub(crate) struct MessageDocument {
    #[serde(rename = "_id")]
    id: ObjectId,
    user_id: UserId,
    room_id: RoomId,
    room_type: RoomKind,
    content: String,
    message_type: MessageType,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    system: Option<SystemDocument>,
    reply_to: Option<ObjectId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    mentions: Vec<UserId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mentions_all: Option<MentionsAll>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    forwarded_from: Option<UserId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    hidden_for: Vec<UserId>,
    is_edited: bool,
    edited_at: Option<DateTime>,
    created_at: DateTime,
    updated_at: DateTime,
    seq: Seq,
    rev: Rev,
    client_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fingerprint: Option<Binary>,
    deleted_at: Option<DateTime>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fanout: Option<FanoutDocument>,
    /// As [`message_fields`] reads them; who reacted stays in the store.
    #[serde(default, skip_serializing)]
    reactions: Vec<ReactionDocument>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pinned: Option<PinDocument>,
    /// What the latest change was, where the other fields do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    change: Option<LatestChange>,
}

/// How many people reacted with an emoji.
#[derive(Deserialize)]
struct ReactionDocument {
    emoji: String,
    count: u32,
    #[serde(default)]
    mine: Option<bool>,
}

/// That a message is pinned.
#[derive(Serialize, Deserialize)]
struct PinDocument {
    at: DateTime,
    by: UserId,
}

/// What a system message says.
#[derive(Serialize, Deserialize)]
struct SystemDocument {
    kind: SystemKind,
    user_id: Option<UserId>,
    by: UserId,
    role: Option<Role>,
    name: Option<String>,
}

/// The delivery that is still owed: the message is its own outbox.
#[derive(Serialize, Deserialize)]
struct FanoutDocument {
    pending: bool,
    at: DateTime,
    #[serde(default)]
    tries: u32,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    released: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failed: Option<Vec<ConnectionId>>,
}

/// A text that an edit replaced.
#[derive(Deserialize)]
struct VersionDocument {
    content: String,
    edited_at: Option<DateTime>,
    rev: Rev,
}

#[derive(Deserialize)]
struct HistoryDocument {
    room_id: RoomId,
    room_type: RoomKind,
    #[serde(default)]
    history: Vec<VersionDocument>,
}

/// What a reply shows of the message that it answers.
#[derive(Deserialize)]
pub(crate) struct QuoteDocument {
    #[serde(rename = "_id")]
    id: ObjectId,
    user_id: UserId,
    content: String,
    deleted_at: Option<DateTime>,
}

/// A message as it lies in the store.
#[derive(Debug, Clone)]
pub struct Stored {
    /// The message.
    pub message: Message,
    /// The hash of the request as it was first sent; gone with the text of a deleted message.
    pub fingerprint: Option<Vec<u8>>,
    /// The delivery that is owed, if it is.
    pub fanout: Option<Fanout>,
}

/// A delivery that is owed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fanout {
    /// Since when, or when it was last tried.
    pub at: Timestamp,
    /// How often it was tried again.
    pub tries: u32,
    /// Whether a release of the message's `rev` counted: readers can't have passed it unseen, only pushes failed.
    pub released: bool,
    /// The connections that were not reached; `None` stands for all.
    pub failed: Option<Vec<ConnectionId>>,
}

impl Stored {
    /// Whether its writer must have died between its write and its release.
    pub fn is_abandoned(&self, now: Timestamp) -> bool {
        self.fanout.as_ref().is_some_and(|fanout| !fanout.released && fanout.at.plus(WRITER_HAS) < now)
    }
}

/// A message that is about to be inserted.
#[derive(Debug)]
pub struct NewMessage<'a> {
    /// Its id, the same for every attempt of one request.
    pub id: MessageId,
    /// What was asked for.
    pub draft: &'a MessageDraft,
    /// Whom it mentions.
    pub mentions: Mentions,
    /// The hash of what was asked for.
    pub fingerprint: &'a [u8],
    /// When it was asked for.
    pub at: Timestamp,
}

/// The text of an edit.
#[derive(Debug, Clone, Copy)]
pub struct NewText<'a> {
    /// The text.
    pub content: &'a Content,
    /// Whom it mentions.
    pub mentions: &'a Mentions,
}

/// What became of an insertion.
#[derive(Debug)]
pub enum Inserted {
    /// It is there.
    Done(Box<Message>),
    /// Another message has this `seq` or `rev`, or the author has used this `client_id` in this room.
    Taken,
}

impl From<MessageDocument> for Stored {
    fn from(row: MessageDocument) -> Self {
        let at = |date: DateTime| Timestamp::from_millis(date.timestamp_millis());
        let fanout = row.fanout.filter(|fanout| fanout.pending).map(|fanout| {
            let FanoutDocument { at: since, tries, released, failed, .. } = fanout;
            Fanout { at: at(since), tries, released, failed }
        });
        Self {
            message: Message {
                id: MessageId(row.id.bytes()),
                room: RoomKey { kind: row.room_type, id: row.room_id },
                user: row.user_id,
                content: row.content,
                message_type: row.message_type,
                system: row.system.map(System::from),
                reply_to: row.reply_to.map(|id| MessageId(id.bytes())),
                mentions: Mentions { people: row.mentions, all: row.mentions_all },
                forwarded_from: row.forwarded_from,
                hidden_for: row.hidden_for,
                seq: row.seq,
                rev: row.rev,
                client_id: row.client_id,
                edited_at: row.edited_at.map(at),
                deleted_at: row.deleted_at.map(at),
                reactions: row.reactions.into_iter().map(Reaction::from).collect(),
                pin: row.pinned.map(|pin| Pin { at: at(pin.at), by: pin.by }),
                latest_change: row.change,
                created_at: at(row.created_at),
                updated_at: at(row.updated_at),
            },
            fingerprint: row.fingerprint.map(|hash| hash.bytes),
            fanout,
        }
    }
}

impl From<SystemDocument> for System {
    fn from(SystemDocument { kind, user_id: user, by, role, name }: SystemDocument) -> Self {
        Self { kind, user, by, role, name }
    }
}

impl From<System> for SystemDocument {
    fn from(System { kind, user: user_id, by, role, name }: System) -> Self {
        Self { kind, user_id, by, role, name }
    }
}

impl From<ReactionDocument> for Reaction {
    fn from(row: ReactionDocument) -> Self {
        let ReactionDocument { emoji, count, mine } = row;
        Self { emoji, count, mine }
    }
}

impl From<VersionDocument> for MessageVersion {
    fn from(row: VersionDocument) -> Self {
        let edited_at = row.edited_at.map(|at| Timestamp::from_millis(at.timestamp_millis()));
        Self { content: row.content, edited_at, rev: row.rev }
    }
}

impl From<QuoteDocument> for Quote {
    fn from(row: QuoteDocument) -> Self {
        Self {
            id: MessageId(row.id.bytes()),
            user: row.user_id,
            beginning: Self::beginning_of(&row.content),
            is_deleted: row.deleted_at.is_some(),
        }
    }
}

impl Messages<'_> {
    /// The same, read for somebody: reactions then say whether one is theirs.
    #[must_use]
    pub fn seen_by(self, viewer: UserId) -> Self {
        Self { viewer: Some(viewer), ..self }
    }

    fn collection(self) -> Collection<MessageDocument> {
        self.mongo.collection(MESSAGES)
    }

    /// The fields of messages that something is done with: also from whom they are hidden.
    fn fields(self) -> Document {
        let mut fields = message_fields(self.viewer);
        fields.insert("hidden_for", 1);
        fields
    }

    /// A fresh message id.
    pub fn new_id() -> MessageId {
        MessageId(ObjectId::new().bytes())
    }

    /// Inserts a message at its reserved position.
    ///
    /// An error means that the outcome is unknown: look it up by its `client_id`.
    pub async fn insert(
        self,
        causal: &mut Causal,
        new: &NewMessage<'_>,
        reservation: &Reservation,
    ) -> Result<Inserted, Fault> {
        let at = date(new.at);
        let NewMessage { id, draft, mentions, fingerprint, .. } = new;
        let row = MessageDocument {
            id: object_id(*id),
            user_id: draft.user,
            room_id: draft.room.id,
            room_type: draft.room.kind,
            content: draft.content.as_str().to_owned(),
            message_type: draft.message_type,
            system: None,
            reply_to: draft.reply_to.map(object_id),
            mentions: mentions.people.clone(),
            mentions_all: mentions.all,
            forwarded_from: draft.forwarded_from,
            hidden_for: Vec::new(),
            is_edited: false,
            edited_at: None,
            created_at: at,
            updated_at: at,
            seq: reservation.seq,
            rev: reservation.rev,
            client_id: draft.client_id.as_str().to_owned(),
            fingerprint: Some(Binary { subtype: BinarySubtype::Generic, bytes: fingerprint.to_vec() }),
            deleted_at: None,
            fanout: Some(FanoutDocument::new(new.at)),
            reactions: Vec::new(),
            pinned: None,
            change: None,
        };
        self.insert_row(causal, row).await
    }

    /// Inserts the system message of a change of a group at its reserved position, once for each change.
    ///
    /// An error means that the outcome is unknown, as in [`Messages::insert`].
    pub async fn insert_event(
        self,
        causal: &mut Causal,
        id: MessageId,
        event: &RoomEvent,
        reservation: &Reservation,
        now: Timestamp,
    ) -> Result<Inserted, Fault> {
        let at = date(event.at);
        let row = MessageDocument {
            id: object_id(id),
            user_id: event.system.by,
            room_id: event.room,
            room_type: RoomKind::Group,
            content: String::new(),
            message_type: MessageType::System,
            system: Some(event.system.clone().into()),
            reply_to: None,
            mentions: Vec::new(),
            mentions_all: None,
            forwarded_from: None,
            hidden_for: Vec::new(),
            is_edited: false,
            edited_at: None,
            created_at: at,
            updated_at: at,
            seq: reservation.seq,
            rev: reservation.rev,
            client_id: ClientId::of_event(event.id).as_str().to_owned(),
            fingerprint: None,
            deleted_at: None,
            fanout: Some(FanoutDocument::new(now)),
            reactions: Vec::new(),
            pinned: None,
            change: None,
        };
        self.insert_row(causal, row).await
    }

    async fn insert_row(self, Causal(session): &mut Causal, row: MessageDocument) -> Result<Inserted, Fault> {
        let Err(error) = self.collection().insert_one(&row).session(session).await else {
            return Ok(Inserted::Done(Box::new(Stored::from(row).message)));
        };
        if is_duplicate_key(&error) { Ok(Inserted::Taken) } else { Err(store_fault(error)) }
    }

    /// Replaces a message's text at its reserved position and returns it as of then. The text that it had goes to the history in
    /// the same write.
    ///
    /// `None`: it is gone, deleted, or has a higher `rev`, or another message has this one. An error means that the outcome is
    /// unknown.
    pub async fn edit(
        self,
        causal: &mut Causal,
        id: MessageId,
        text: &NewText<'_>,
        reservation: &Reservation,
        at: Timestamp,
    ) -> Result<Option<Message>, Fault> {
        let NewText { content, mentions } = text;
        let people: Vec<i32> = mentions.people.iter().map(|user| user.0).collect();
        let set = doc! {
            "history": history_with_current(),
            "content": { "$literal": content.as_str() },
            "mentions": people,
            "mentions_all": mentions.all.map(MentionsAll::as_str),
            "is_edited": true,
            "edited_at": date(at),
            "updated_at": date(at),
        };
        let change = vec![doc! { "$set": set }, doc! { "$unset": ["change", "forwarded_from"] }];
        // From now on it is not the text of whoever it was forwarded from.
        self.change(causal, not_deleted(id), change, reservation, Fanout::new(at, 0)).await
    }

    /// Empties a message at its reserved position and returns the tombstone; nothing by which its text could be guessed stays.
    ///
    /// `None`: it is gone, deleted, or has a higher `rev`, or another message has this one. An error means that the outcome is
    /// unknown.
    pub async fn delete(
        self,
        causal: &mut Causal,
        id: MessageId,
        reservation: &Reservation,
        at: Timestamp,
    ) -> Result<Option<Message>, Fault> {
        let change = doc! {
            "$set": { "content": "", "deleted_at": date(at), "updated_at": date(at) },
            "$unset": left_out_of_tombstones(),
        };
        self.change(causal, not_deleted(id), change, reservation, Fanout::new(at, 0)).await
    }

    /// Moves a message that still is as it was read to a reserved position, so that no reader can have passed it. A message that
    /// was withdrawn has another `client_id`.
    ///
    /// `None`: it is gone, withdrawn, or has another `rev`, or another message has the reserved one.
    pub async fn stamp(
        self,
        causal: &mut Causal,
        message: &Message,
        reservation: &Reservation,
        fanout: Fanout,
    ) -> Result<Option<Message>, Fault> {
        let unchanged = doc! { "$eq": message.rev.0, "$lt": reservation.rev.0 };
        let filter = doc! { "_id": object_id(message.id), "client_id": &message.client_id, "rev": unchanged };
        self.change(causal, filter, Document::new(), reservation, fanout).await
    }

    pub(crate) async fn change(
        self,
        Causal(session): &mut Causal,
        mut filter: Document,
        change: impl Into<UpdateModifications>,
        reservation: &Reservation,
        fanout: Fanout,
    ) -> Result<Option<Message>, Fault> {
        if !filter.contains_key("rev") {
            filter.insert("rev", doc! { "$lt": reservation.rev.0 });
        }
        let fanout = doc! { "pending": true, "at": date(fanout.at), "tries": i64::from(fanout.tries) };
        let mut change = change.into();
        match &mut change {
            UpdateModifications::Document(change) => {
                let mut set = change.get_document("$set").cloned().unwrap_or_default();
                set.extend(doc! { "rev": reservation.rev.0, "fanout": fanout });
                change.insert("$set", set);
            }
            // A document that is no literal would be merged into the one that is there.
            UpdateModifications::Pipeline(stages) => {
                stages.push(doc! { "$set": { "rev": reservation.rev.0, "fanout": { "$literal": fanout } } });
            }
            _ => return Err(Fault::internal("a kind of update that nobody makes")),
        }
        let changed = self
            .collection()
            .find_one_and_update(filter, change)
            .projection(self.fields())
            .return_document(ReturnDocument::After)
            .session(session)
            .await;
        match changed {
            Ok(row) => Ok(row.map(|row| Stored::from(row).message)),
            Err(error) if is_duplicate_key(&error) => Ok(None),
            Err(error) => Err(store_fault(error)),
        }
    }

    /// Makes a message that nobody was told of a tombstone at a reserved position, if it still has the `rev` that its writer
    /// gave it. Its `client_id` is free again.
    ///
    /// `Taken`: another message has the position. `None`: somebody else moved it.
    pub async fn withdraw(
        self,
        id: MessageId,
        rev: Rev,
        reservation: &Reservation,
        at: Timestamp,
    ) -> Result<Option<Inserted>, Fault> {
        let mine = doc! { "_id": object_id(id), "rev": rev.0 };
        let tombstone = doc! {
            "$set": {
                "rev": reservation.rev.0, "content": "", "deleted_at": date(at), "updated_at": date(at),
                "client_id": format!("withdrawn:{}", reservation.op),
                "fanout": { "pending": true, "at": date(at), "tries": 0 },
            },
            "$unset": left_out_of_tombstones(),
        };
        let changed = self
            .collection()
            .find_one_and_update(mine, tombstone)
            .projection(self.fields())
            .return_document(ReturnDocument::After)
            .await;
        match changed {
            Ok(row) => Ok(row.map(|row| Inserted::Done(Box::new(Stored::from(row).message)))),
            Err(error) if is_duplicate_key(&error) => Ok(Some(Inserted::Taken)),
            Err(error) => Err(store_fault(error)),
        }
    }

    /// Notes that a message was delivered as of `rev`, unless it changed since.
    ///
    /// `w: 1`, since a note that is lost in a failover only costs a second delivery.
    pub async fn clear_fanout(self, id: MessageId, rev: Rev) -> Result<(), Fault> {
        let delivered = doc! { "_id": object_id(id), "rev": rev.0 };
        let clear = doc! { "$unset": { "fanout": "" } };
        self.mongo.documents(MESSAGES).update_one(delivered, clear).write_concern(w1()).await.map_err(store_fault)?;
        Ok(())
    }

    /// Notes that the release of a message's `rev` counted, unless it changed since: whoever repeats it need not stamp it. `w: 1`,
    /// since a note that is lost only costs a stamp.
    pub async fn note_released(self, id: MessageId, rev: Rev) -> Result<(), Fault> {
        let placed = doc! { "_id": object_id(id), "rev": rev.0, "fanout.pending": true };
        let note = doc! { "$set": { "fanout.released": true } };
        self.mongo.documents(MESSAGES).update_one(placed, note).write_concern(w1()).await.map_err(store_fault)?;
        Ok(())
    }

    /// Notes which connections a message was not delivered to as of `rev`, whose release counted, unless it changed since. `w: 1`.
    pub async fn note_failed(
        self,
        id: MessageId,
        rev: Rev,
        failed: &[ConnectionId],
        tries: u32,
        at: Timestamp,
    ) -> Result<(), Fault> {
        self.note_owed(id, rev, Some(failed), tries, at).await
    }

    /// The same of a message that may have reached nobody.
    pub async fn note_all_failed(self, id: MessageId, rev: Rev, tries: u32, at: Timestamp) -> Result<(), Fault> {
        self.note_owed(id, rev, None, tries, at).await
    }

    async fn note_owed(
        self,
        id: MessageId,
        rev: Rev,
        failed: Option<&[ConnectionId]>,
        tries: u32,
        at: Timestamp,
    ) -> Result<(), Fault> {
        let pushed = doc! { "_id": object_id(id), "rev": rev.0, "fanout.pending": true };
        let mut fanout = doc! { "pending": true, "at": date(at), "tries": i64::from(tries), "released": true };
        if let Some(failed) = failed.filter(|failed| failed.len() <= MOST_FAILED) {
            fanout.insert("failed", failed.iter().map(|id| id.0.as_str()).collect::<Vec<_>>());
        }
        let note = doc! { "$set": { "fanout": fanout } };
        self.mongo.documents(MESSAGES).update_one(pushed, note).write_concern(w1()).await.map_err(store_fault)?;
        Ok(())
    }

    /// Puts a message whose delivery failed behind all others that are owed, unless it changed since. `w: 1`.
    pub async fn postpone(self, id: MessageId, rev: Rev, at: Timestamp) -> Result<(), Fault> {
        let owed = doc! { "_id": object_id(id), "rev": rev.0, "fanout.pending": true };
        let later = doc! { "$set": { "fanout.at": date(at) } };
        self.mongo.documents(MESSAGES).update_one(owed, later).write_concern(w1()).await.map_err(store_fault)?;
        Ok(())
    }

    /// A message, as a majority has it.
    pub async fn find(self, id: MessageId) -> Result<Option<Stored>, Fault> {
        self.find_one(doc! { "_id": object_id(id) }).await
    }

    /// The message that its author named so, read for them, as a majority has it.
    pub async fn find_by_client_id(
        self,
        room: RoomKey,
        user: UserId,
        client_id: &ClientId,
    ) -> Result<Option<Stored>, Fault> {
        let mut filter = in_room(room);
        filter.extend(doc! { "user_id": user.0, "client_id": client_id.as_str() });
        self.seen_by(user).find_one(filter).await
    }

    /// The system messages of those of some changes of a group that are placed, as a majority has them.
    pub async fn list_of_events(self, room: RoomId, events: &[RoomEvent]) -> Result<Vec<Stored>, Fault> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let mut filter = in_room(RoomKey::group(room));
        let authors: Vec<_> = events.iter().map(|event| event.system.by.0).collect();
        let names: Vec<_> = events.iter().map(|event| ClientId::of_event(event.id).as_str().to_owned()).collect();
        filter.extend(doc! { "user_id": { "$in": authors }, "client_id": { "$in": names } });
        let messages = self.collection();
        let placed = messages.find(filter).projection(self.fields()).batch_size(one_batch(events.len()));
        let rows: Vec<_> = async { placed.await?.try_collect().await }.await.map_err(store_fault)?;
        Ok(rows.into_iter().map(Stored::from).collect())
    }

    async fn find_one(self, filter: Document) -> Result<Option<Stored>, Fault> {
        let found = self.collection().find_one(filter).projection(self.fields()).await;
        Ok(found.map_err(store_fault)?.map(Stored::from))
    }

    /// The room of a message and its earlier texts, the newest first.
    pub async fn find_history(self, id: MessageId) -> Result<Option<(RoomKey, Vec<MessageVersion>)>, Fault> {
        let histories = self.mongo.collection::<HistoryDocument>(MESSAGES);
        let fields = doc! { "room_type": 1, "room_id": 1, "history": 1 };
        let found = histories.find_one(doc! { "_id": object_id(id) }).projection(fields).await.map_err(store_fault)?;
        Ok(found.map(|HistoryDocument { room_id, room_type, history }| {
            let room = RoomKey { kind: room_type, id: room_id };
            (room, history.into_iter().map(MessageVersion::from).collect())
        }))
    }

    /// Notes that somebody does not want to see a message any more, and answers whether that is new. A message that thousands hid
    /// is hidden for nobody else.
    pub async fn hide(self, id: MessageId, user: UserId) -> Result<bool, Fault> {
        let full = format!("hidden_for.{}", MOST_HIDDEN_FOR - 1);
        let visible = doc! { "_id": object_id(id), "hidden_for": { "$ne": user.0 }, full: { "$exists": false } };
        let hide = doc! { "$push": { "hidden_for": user.0 } };
        let updated = self.mongo.documents(MESSAGES).update_one(visible, hide).await.map_err(store_fault)?;
        Ok(updated.modified_count == 1)
    }

    /// What replies show of the messages that they answer, by id.
    pub async fn list_quotes(self, ids: &[MessageId]) -> Result<HashMap<MessageId, Quote>, Fault> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let ids: Vec<ObjectId> = ids.iter().copied().map(object_id).collect();
        let (messages, batch) = (self.mongo.collection::<QuoteDocument>(MESSAGES), one_batch(ids.len()));
        let quotes = messages.find(doc! { "_id": { "$in": ids } }).projection(quote_fields()).batch_size(batch);
        let rows: Vec<_> = async { quotes.await?.try_collect().await }.await.map_err(store_fault)?;
        Ok(by_id(rows))
    }

    /// A person's messages in all rooms, deleted ones included, the oldest first.
    pub async fn list_of_author(
        self,
        user: UserId,
        after: Option<&AuthorKey>,
        size: PageSize,
    ) -> Result<Page<Message, AuthorKey>, Fault> {
        // Two ranges of the index, merged, so that those of the same moment are not looked at again.
        let theirs = match after {
            None => doc! { "user_id": user.0 },
            Some((at, id)) => {
                let at = DateTime::from_millis(*at);
                let same_moment = doc! { "user_id": user.0, "created_at": at, "_id": { "$gt": object_id(*id) } };
                doc! { "$or": [same_moment, { "user_id": user.0, "created_at": { "$gt": at } }] }
            }
        };
        let (count, batch) = (size.and_one(), one_batch(usize::try_from(size.and_one()).unwrap_or_default()));
        let messages = self.collection();
        let theirs = messages.find(theirs).sort(doc! { "created_at": 1, "_id": 1 }).limit(count).batch_size(batch);
        let theirs = theirs.projection(message_fields(self.viewer));
        let rows: Vec<_> = async { theirs.await?.try_collect().await }.await.map_err(store_fault)?;
        let theirs = rows.into_iter().map(|row| Stored::from(row).message).collect();
        Ok(Page::cut(theirs, size, |message: &Message| (message.created_at.millis(), message.id)))
    }

    /// A person's messages from a moment on that are not deleted, the oldest first. What the server wrote about them is none.
    pub async fn list_undeleted(self, user: UserId, from: Timestamp, limit: i64) -> Result<Vec<Message>, Fault> {
        let theirs = doc! {
            "user_id": user.0, "created_at": { "$gte": date(from) }, "deleted_at": null,
            "message_type": { "$ne": MessageType::System.as_str() },
        };
        let (messages, batch) = (self.collection(), one_batch(usize::try_from(limit).unwrap_or_default()));
        let theirs = messages.find(theirs).sort(doc! { "created_at": 1, "_id": 1 }).limit(limit).batch_size(batch);
        let theirs = theirs.projection(message_fields(self.viewer));
        let rows: Vec<_> = async { theirs.await?.try_collect().await }.await.map_err(store_fault)?;
        Ok(rows.into_iter().map(|row| Stored::from(row).message).collect())
    }

    /// Some messages to which a person has reacted, as that person sees them.
    pub async fn list_reacted(self, user: UserId, limit: i64) -> Result<Vec<Message>, Fault> {
        let reacted = doc! { "reactions.users.user": user.0 };
        let (messages, batch) = (self.collection(), one_batch(usize::try_from(limit).unwrap_or_default()));
        let reacted = messages.find(reacted).projection(message_fields(Some(user))).limit(limit).batch_size(batch);
        let rows: Vec<_> = async { reacted.await?.try_collect().await }.await.map_err(store_fault)?;
        Ok(rows.into_iter().map(|row| Stored::from(row).message).collect())
    }

    /// Messages whose delivery is owed for so long that their writers must have died or failed, the longest waiting first.
    pub async fn list_owed(self, now: Timestamp, limit: i64) -> Result<Vec<Stored>, Fault> {
        let owed = doc! { "fanout.pending": true, "fanout.at": { "$lt": date(now.minus(WRITER_HAS)) } };
        let (messages, batch) = (self.collection(), one_batch(usize::try_from(limit).unwrap_or_default()));
        let owed = messages.find(owed).projection(self.fields());
        let owed = owed.sort(doc! { "fanout.at": 1 }).limit(limit).batch_size(batch);
        let rows: Vec<_> = async { owed.await?.try_collect().await }.await.map_err(store_fault)?;
        Ok(rows.into_iter().map(Stored::from).collect())
    }

    /// Since when the message whose delivery is owed for the longest has waited for its next try, if one is owed.
    pub async fn find_oldest_owed(self) -> Result<Option<Timestamp>, Fault> {
        #[derive(Deserialize)]
        struct Row {
            fanout: Since,
        }
        #[derive(Deserialize)]
        struct Since {
            at: DateTime,
        }
        let messages = self.mongo.collection::<Row>(MESSAGES);
        let owed = messages.find_one(doc! { "fanout.pending": true }).sort(doc! { "fanout.at": 1 });
        let oldest = owed.projection(doc! { "_id": 0, "fanout.at": 1 }).await.map_err(store_fault)?;
        Ok(oldest.map(|row| Timestamp::from_millis(row.fanout.at.timestamp_millis())))
    }
}

/// A message whose members' devices are still to be told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwedNotification {
    /// Which.
    pub id: MessageId,
    /// Where.
    pub room: RoomKey,
    /// Its number there.
    pub seq: Seq,
    /// When it was sent.
    pub created_at: Timestamp,
}

impl Messages<'_> {
    /// Notes that devices are still to be told of a message. `w: 1`: one that is lost in a failover costs a notification.
    pub async fn owe_notification(self, id: MessageId, at: Timestamp) -> Result<(), Fault> {
        let note = doc! { "$set": { "notify_at": date(at) } };
        self.mongo
            .documents(MESSAGES)
            .update_one(not_deleted(id), note)
            .write_concern(w1())
            .await
            .map_err(store_fault)?;
        Ok(())
    }

    /// Messages of which devices are still to be told, the longest waiting first.
    pub async fn list_owed_notifications(self, limit: i64) -> Result<Vec<OwedNotification>, Fault> {
        #[derive(Deserialize)]
        struct Row {
            #[serde(rename = "_id")]
            id: ObjectId,
            room_id: RoomId,
            room_type: RoomKind,
            seq: Seq,
            created_at: DateTime,
        }
        let batch = one_batch(usize::try_from(limit).unwrap_or_default());
        let messages = self.mongo.collection::<Row>(MESSAGES);
        let owed = messages.find(doc! { "notify_at": { "$exists": true } });
        let owed = owed.projection(doc! { "room_id": 1, "room_type": 1, "seq": 1, "created_at": 1 });
        let owed = owed.sort(doc! { "notify_at": 1 }).limit(limit).batch_size(batch);
        let rows: Vec<Row> = async { owed.await?.try_collect().await }.await.map_err(store_fault)?;
        let each = rows.into_iter().map(|row| OwedNotification {
            id: MessageId(row.id.bytes()),
            room: RoomKey { kind: row.room_type, id: row.room_id },
            seq: row.seq,
            created_at: Timestamp::from_millis(row.created_at.timestamp_millis()),
        });
        Ok(each.collect())
    }

    /// Notes that nobody need be told of some messages any more. `w: 1`: what is told twice shows once.
    pub async fn clear_owed_notifications(self, ids: &[MessageId]) -> Result<(), Fault> {
        if ids.is_empty() {
            return Ok(());
        }
        let these = doc! { "_id": { "$in": ids.iter().copied().map(object_id).collect::<Vec<_>>() } };
        let clear = doc! { "$unset": { "notify_at": "" } };
        self.mongo.documents(MESSAGES).update_many(these, clear).write_concern(w1()).await.map_err(store_fault)?;
        Ok(())
    }

    /// The newest messages of a room from a moment on, the newest first.
    pub async fn list_recent(self, room: RoomKey, from: Timestamp, limit: i64) -> Result<Vec<Message>, Fault> {
        let recent = doc! {
            "room_id": room.id.0, "room_type": room.kind.as_str(), "created_at": { "$gte": date(from) },
        };
        let (messages, batch) = (self.collection(), one_batch(usize::try_from(limit).unwrap_or_default()));
        let recent = messages.find(recent).projection(self.fields()).sort(doc! { "created_at": -1 });
        let rows: Vec<_> =
            async { recent.limit(limit).batch_size(batch).await?.try_collect().await }.await.map_err(store_fault)?;
        let mut recent: Vec<_> = rows.into_iter().map(|row| Stored::from(row).message).collect();
        // Of two at once the one that was placed later may be the older one.
        recent.sort_by_key(|message| std::cmp::Reverse(message.seq));
        Ok(recent)
    }
}

impl FanoutDocument {
    fn new(at: Timestamp) -> Self {
        Self { pending: true, at: date(at), tries: 0, released: false, failed: None }
    }
}

impl Fanout {
    /// A delivery that is owed from now on.
    pub fn new(at: Timestamp, tries: u32) -> Self {
        Self { at, tries, released: false, failed: None }
    }
}

/// The fields of [`MessageDocument`] as they leave the store: how many people reacted, not who, and whether `viewer` did.
pub(crate) fn message_fields(viewer: Option<UserId>) -> Document {
    let mut fields: Document = MESSAGE_FIELDS.iter().map(|field| ((*field).to_owned(), Bson::Int32(1))).collect();
    fields.insert("reactions", counted_reactions(viewer));
    fields
}

/// A message that is there and not deleted.
pub(crate) fn not_deleted(id: MessageId) -> Document {
    doc! { "_id": object_id(id), "deleted_at": null }
}

/// What a tombstone has nothing of.
fn left_out_of_tombstones() -> Document {
    doc! { "fingerprint": "", "reactions": "", "pinned": "", "change": "", "history": "", "mentions": "", "mentions_all": "", "forwarded_from": "", "notify_at": "" }
}

/// The history with the text that an edit replaces, the newest first: at most so many texts and so many bytes.
fn history_with_current() -> Document {
    let current = doc! { "content": "$content", "edited_at": "$edited_at", "rev": "$rev" };
    let all = doc! { "$concatArrays": [[current], { "$ifNull": ["$history", []] }] };
    let newest = doc! { "$slice": [all, MOST_VERSIONS] };
    // Once the bytes are over, so they are with each older text.
    let bytes = doc! { "$add": ["$$value.bytes", { "$strLenBytes": "$$this.content" }] };
    let longer = doc! { "$concatArrays": ["$$value.texts", ["$$this"]] };
    let texts = doc! { "$cond": [{ "$lte": ["$$bytes", MOST_HISTORY_BYTES] }, longer, "$$value.texts"] };
    let next = doc! { "$let": { "vars": { "bytes": bytes }, "in": { "texts": texts, "bytes": "$$bytes" } } };
    let fitting = doc! { "$reduce": { "input": newest, "initialValue": { "texts": [], "bytes": 0 }, "in": next } };
    doc! { "$getField": { "field": "texts", "input": fitting } }
}

/// The condition of messages that somebody has not hidden from themselves.
pub(crate) fn visible_to(user: UserId) -> Document {
    doc! { "hidden_for": { "$ne": user.0 } }
}

/// The fields of [`QuoteDocument`]: no more of a text than its beginning leaves the store.
fn quote_fields() -> Document {
    let most = i64::try_from(Quote::MAX_CODE_POINTS + 1).unwrap_or(i64::MAX);
    doc! { "user_id": 1, "deleted_at": 1, "content": { "$substrCP": ["$content", 0, most] } }
}

/// The stage that adds what some messages answer as `quotes`.
pub(crate) fn lookup_quotes(answered: &str) -> Document {
    doc! { "$lookup": {
        "from": MESSAGES, "localField": answered, "foreignField": "_id", "as": "quotes",
        "pipeline": [{ "$project": quote_fields() }],
    } }
}

pub(crate) fn object_id(id: MessageId) -> ObjectId {
    ObjectId::from_bytes(id.0)
}

pub(crate) fn date(at: Timestamp) -> DateTime {
    DateTime::from_millis(at.millis())
}

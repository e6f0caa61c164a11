use crate::{
    Mongo, Reservation,
    fault::{is_duplicate_key, store_fault},
    schema::MESSAGES,
    w1,
};
use domain::{
    ClientId, Content, Fault, Message, MessageDraft, MessageId, MessageType, Quote, Rev, RoomId, RoomKey, RoomKind,
    Seq, Timestamp, UserId,
};
use futures_util::TryStreamExt as _;
use mongodb::{
    Collection,
    bson::{Binary, Bson, DateTime, Document, doc, oid::ObjectId, spec::BinarySubtype},
    options::ReturnDocument,
};
use serde::{Deserialize, Serialize};
use std::{collections::HashMap, time::Duration};

/// For how long a row whose delivery is pending is left to its writer.
const WRITER_HAS: Duration = Duration::from_secs(5);

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
    reply_to: Option<ObjectId>,
    is_edited: bool,
    edited_at: Option<DateTime>,
    created_at: DateTime,
    updated_at: DateTime,
    seq: Seq,
    rev: Rev,
    client_id: String,
    fingerprint: Binary,
    deleted_at: Option<DateTime>,
    fanout: Option<FanoutDocument>,
}

/// The delivery that is still owed: the message is its own outbox.
#[derive(Debug, Serialize, Deserialize)]
struct FanoutDocument {
    pending: bool,
    at: DateTime,
}

/// A message as it lies in the store.
#[derive(Debug, Clone)]
pub struct Stored {
    /// The message.
    pub message: Message,
    /// The hash of the request as it was first sent.
    pub fingerprint: Vec<u8>,
    /// Since when its delivery is owed, if it is.
    pub pending_since: Option<Timestamp>,
}

impl Stored {
    /// Whether its delivery is owed for so long that its writer must have died.
    pub fn is_abandoned(&self, now: Timestamp) -> bool {
        self.pending_since.is_some_and(|since| since.plus(WRITER_HAS) < now)
    }
}

/// A message that is about to be inserted.
#[derive(Debug)]
pub struct NewMessage<'a> {
    /// Its id, the same for every attempt of one request.
    pub id: MessageId,
    /// What was asked for.
    pub draft: &'a MessageDraft,
    /// The hash of what was asked for.
    pub fingerprint: &'a [u8],
    /// When it was asked for.
    pub at: Timestamp,
}

/// What became of an insertion.
#[derive(Debug)]
pub enum Inserted {
    /// It is there.
    Done(Message),
    /// Another message has this `seq` or `rev`, or the author has used this `client_id` in this room.
    Taken,
}

impl From<MessageDocument> for Stored {
    fn from(row: MessageDocument) -> Self {
        let at = |date: DateTime| Timestamp::from_millis(date.timestamp_millis());
        Self {
            message: Message {
                id: MessageId(row.id.bytes()),
                room: RoomKey { kind: row.room_type, id: row.room_id },
                user: row.user_id,
                content: row.content,
                message_type: row.message_type,
                reply_to: row.reply_to.map(|id| MessageId(id.bytes())),
                seq: row.seq,
                rev: row.rev,
                client_id: row.client_id,
                edited_at: row.edited_at.map(at),
                deleted_at: row.deleted_at.map(at),
                created_at: at(row.created_at),
                updated_at: at(row.updated_at),
            },
            fingerprint: row.fingerprint.bytes,
            pending_since: row.fanout.filter(|fanout| fanout.pending).map(|fanout| at(fanout.at)),
        }
    }
}

impl Mongo {
    pub(crate) fn messages(&self) -> Collection<MessageDocument> {
        self.database.collection(MESSAGES)
    }

    /// A fresh message id.
    pub fn new_message_id() -> MessageId {
        MessageId(ObjectId::new().bytes())
    }

    /// Inserts a message at its reserved place. One round trip.
    ///
    /// An error means that the outcome is unknown: look it up by its `client_id`.
    pub async fn insert_message(&self, new: &NewMessage<'_>, place: Reservation) -> Result<Inserted, Fault> {
        let at = date(new.at);
        let NewMessage { id, draft, fingerprint, .. } = new;
        let row = MessageDocument {
            id: object_id(*id),
            user_id: draft.user,
            room_id: draft.room.id,
            room_type: draft.room.kind,
            content: draft.content.as_str().to_owned(),
            message_type: draft.message_type,
            reply_to: draft.reply_to.map(object_id),
            is_edited: false,
            edited_at: None,
            created_at: at,
            updated_at: at,
            seq: place.seq,
            rev: place.rev,
            client_id: draft.client_id.as_str().to_owned(),
            fingerprint: Binary { subtype: BinarySubtype::Generic, bytes: fingerprint.to_vec() },
            deleted_at: None,
            fanout: Some(FanoutDocument { pending: true, at }),
        };
        let Err(error) = self.messages().insert_one(&row).await else {
            return Ok(Inserted::Done(Stored::from(row).message));
        };
        if is_duplicate_key(&error) { Ok(Inserted::Taken) } else { Err(store_fault(error)) }
    }

    /// Replaces a message's text at its reserved place and returns it as of then. One round trip.
    ///
    /// `None`: it is gone, deleted, or has a higher `rev`, or another message has this one. An error means that the outcome is unknown.
    pub async fn edit_message(
        &self,
        id: MessageId,
        content: &Content,
        place: Reservation,
        at: Timestamp,
    ) -> Result<Option<Message>, Fault> {
        let set =
            doc! { "content": content.as_str(), "is_edited": true, "edited_at": date(at), "updated_at": date(at) };
        self.change_message(doc! { "_id": object_id(id), "deleted_at": Bson::Null }, set, place, at).await
    }

    /// Empties a message at its reserved place and returns the tombstone. One round trip.
    ///
    /// `None`: it is gone, deleted, or has a higher `rev`, or another message has this one. An error means that the outcome is unknown.
    pub async fn delete_message(
        &self,
        id: MessageId,
        place: Reservation,
        at: Timestamp,
    ) -> Result<Option<Message>, Fault> {
        let set = doc! { "content": "", "deleted_at": date(at), "updated_at": date(at) };
        self.change_message(doc! { "_id": object_id(id), "deleted_at": Bson::Null }, set, place, at).await
    }

    /// Moves a message as it is to a reserved place, so that no reader can have passed it. One round trip.
    ///
    /// `None`: it is gone or has a higher `rev`, or another message has this one.
    pub async fn stamp_message(
        &self,
        id: MessageId,
        place: Reservation,
        at: Timestamp,
    ) -> Result<Option<Message>, Fault> {
        self.change_message(doc! { "_id": object_id(id) }, Document::new(), place, at).await
    }

    async fn change_message(
        &self,
        mut filter: Document,
        mut set: Document,
        place: Reservation,
        at: Timestamp,
    ) -> Result<Option<Message>, Fault> {
        filter.insert("rev", doc! { "$lt": place.rev.0 });
        set.insert("rev", place.rev.0);
        set.insert("fanout", doc! { "pending": true, "at": date(at) });
        let changed = self
            .messages()
            .find_one_and_update(filter, doc! { "$set": set })
            .return_document(ReturnDocument::After)
            .await;
        match changed {
            Ok(row) => Ok(row.map(|row| Stored::from(row).message)),
            Err(error) if is_duplicate_key(&error) => Ok(None),
            Err(error) => Err(store_fault(error)),
        }
    }

    /// Notes that a message was delivered as of `rev`, unless it changed since. One round trip.
    ///
    /// `w: 1`, since a note that is lost in a failover only costs a second delivery.
    pub async fn clear_fanout(&self, id: MessageId, rev: Rev) -> Result<(), Fault> {
        let delivered = doc! { "_id": object_id(id), "rev": rev.0 };
        let clear = doc! { "$unset": { "fanout": "" } };
        self.messages().update_one(delivered, clear).write_concern(w1()).await.map_err(store_fault)?;
        Ok(())
    }

    /// A message, as a majority has it. One round trip.
    pub async fn find_message(&self, id: MessageId) -> Result<Option<Stored>, Fault> {
        self.find_one_message(doc! { "_id": object_id(id) }).await
    }

    /// What replies show of the messages that they answer, by id. One round trip; none for no ids.
    pub async fn list_quotes(&self, ids: &[MessageId]) -> Result<HashMap<MessageId, Quote>, Fault> {
        #[derive(Deserialize)]
        struct Row {
            #[serde(rename = "_id")]
            id: ObjectId,
            user_id: UserId,
            content: String,
            deleted_at: Option<DateTime>,
        }
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let ids: Vec<ObjectId> = ids.iter().copied().map(object_id).collect();
        let beginning =
            doc! { "$substrCP": ["$content", 0, i64::try_from(Quote::MAX_CODE_POINTS + 1).unwrap_or(i64::MAX)] };
        let rows: Vec<Row> = async {
            let messages = self.database.collection::<Row>(MESSAGES);
            let found = messages.find(doc! { "_id": { "$in": ids } });
            found.projection(doc! { "user_id": 1, "deleted_at": 1, "content": beginning }).await?.try_collect().await
        }
        .await
        .map_err(store_fault)?;
        let quote = |row: Row| Quote {
            id: MessageId(row.id.bytes()),
            user: row.user_id,
            beginning: Quote::beginning_of(&row.content),
            is_deleted: row.deleted_at.is_some(),
        };
        Ok(rows.into_iter().map(quote).map(|quote| (quote.id, quote)).collect())
    }

    /// Messages whose delivery is owed for so long that their writers must have died, the longest waiting first. One round trip.
    pub async fn list_abandoned(&self, now: Timestamp, limit: i64) -> Result<Vec<MessageId>, Fault> {
        let since = date(now.minus(WRITER_HAS));
        let owed = doc! { "fanout.pending": true, "fanout.at": { "$lt": since } };
        let rows: Vec<Document> = async {
            let messages = self.documents(MESSAGES);
            let found = messages.find(owed).sort(doc! { "fanout.at": 1 }).limit(limit);
            found.projection(doc! { "_id": 1 }).await?.try_collect().await
        }
        .await
        .map_err(store_fault)?;
        Ok(rows.iter().filter_map(|row| row.get_object_id("_id").ok()).map(|id| MessageId(id.bytes())).collect())
    }

    /// The message that its author named so, as a majority has it. One round trip.
    pub async fn find_message_by_client_id(
        &self,
        room: RoomKey,
        user: UserId,
        client_id: &ClientId,
    ) -> Result<Option<Stored>, Fault> {
        let mut filter = in_room(room);
        filter.extend(doc! { "user_id": user.0, "client_id": client_id.as_str() });
        self.find_one_message(filter).await
    }

    async fn find_one_message(&self, filter: Document) -> Result<Option<Stored>, Fault> {
        Ok(self.messages().find_one(filter).await.map_err(store_fault)?.map(Stored::from))
    }
}

pub(crate) fn in_room(room: RoomKey) -> Document {
    doc! { "room_type": room.kind.as_str(), "room_id": room.id.0 }
}

fn object_id(id: MessageId) -> ObjectId {
    ObjectId::from_bytes(id.0)
}

fn date(at: Timestamp) -> DateTime {
    DateTime::from_millis(at.millis())
}

//! The repository of messages: reading them. Writing, their documents, their history and what is still owed have files of their own.

mod document;
mod files;
mod history;
mod owed;
mod write;

pub use document::Stored;
pub(crate) use document::{MessageDocument, QuoteDocument, lookup_quotes, message_fields};
pub use files::MessageFiles;
pub use owed::{Fanout, OwedNotification};
pub(crate) use write::grams_of;
pub use write::{Inserted, NewMessage, NewText};

use crate::{
    Mongo,
    fault::store_fault,
    feed::{by_id, in_room},
    one_batch,
    schema::MESSAGES,
};
use document::quote_fields;
use domain::{
    ClientId, Fault, Message, MessageId, MessageType, Page, PageSize, Quote, RoomEvent, RoomId, RoomKey, Timestamp,
    UserId,
};
use futures_util::TryStreamExt as _;
use mongodb::{
    Collection,
    bson::{DateTime, Document, doc, oid::ObjectId},
};
use std::collections::HashMap;

/// For how many people one message can be hidden: in a room of 1,000 some have left.
const MOST_HIDDEN_FOR: i32 = 2_000;

/// Where a page of somebody's messages begins: when the last one before it was sent, in milliseconds, and which it was.
pub type AuthorKey = (i64, MessageId);

/// The repository of `messages`.
#[derive(Debug, Clone, Copy)]
pub struct Messages<'a> {
    pub(crate) mongo: &'a Mongo,
    /// For whom messages are read; reactions then say whether one is theirs.
    pub(crate) viewer: Option<UserId>,
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

/// A message that is there and not deleted.
pub(crate) fn not_deleted(id: MessageId) -> Document {
    doc! { "_id": object_id(id), "deleted_at": null }
}

/// The condition of messages that somebody has not hidden from themselves.
pub(crate) fn visible_to(user: UserId) -> Document {
    doc! { "hidden_for": { "$ne": user.0 } }
}

pub(crate) fn object_id(id: MessageId) -> ObjectId {
    ObjectId::from_bytes(id.0)
}

pub(crate) fn date(at: Timestamp) -> DateTime {
    DateTime::from_millis(at.millis())
}

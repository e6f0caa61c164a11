use super::{Messages, Stored, date, not_deleted, object_id};
use crate::{fault::store_fault, one_batch, schema::MESSAGES, w1};
use domain::{ConnectionId, Fault, MessageId, Rev, RoomId, RoomKey, RoomKind, Seq, Timestamp};
use futures_util::TryStreamExt as _;
use mongodb::bson::{DateTime, doc, oid::ObjectId};
use serde::Deserialize;
use std::time::Duration;

/// For how long a message whose delivery is pending is left to its writer.
pub(super) const WRITER_HAS: Duration = Duration::from_secs(5);

/// The most connections that are noted as not reached; with more of them all are pushed to again.
const MOST_FAILED: usize = 25;

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
    /// Whether devices may not have been told yet that the message is there. A change of it leaves that as it is.
    pub news: bool,
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
}

impl Fanout {
    /// A delivery that is owed from now on, of a message that is no news.
    pub fn new(at: Timestamp, tries: u32) -> Self {
        Self { at, tries, released: false, failed: None, news: false }
    }
}

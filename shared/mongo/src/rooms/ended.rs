//! Groups that are deleted: the files of their messages are left to be deleted, in batches.

use super::Rooms;
use crate::{
    fault::store_fault,
    feed::in_room,
    messages::date,
    one_batch,
    schema::{MESSAGES, ROOM_SEQ_KEY, ROOMS},
};
use domain::{Fault, RoomKey, Seq, Timestamp};
use futures_util::TryStreamExt as _;
use mongodb::{
    bson::{DateTime, Document, doc},
    options::Hint,
};
use serde::Deserialize;
use std::time::Duration;

/// For how long after the end of a group a request that was let in may still write: longer than any function runs.
const LATEST_WRITE: Duration = Duration::from_mins(1);

/// How many messages are looked at in one step.
const BATCH: u32 = 1_000;

/// A group that is deleted and has messages whose files were not looked for yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedRoom {
    /// Which.
    pub room: RoomKey,
    at: DateTime,
    after: Seq,
}

#[derive(Deserialize)]
struct EndedRow {
    #[serde(rename = "_id")]
    room: RoomKey,
    ended: EndedDocument,
}

#[derive(Deserialize)]
struct EndedDocument {
    at: DateTime,
    #[serde(default)]
    after: Seq,
}

impl Rooms<'_> {
    /// Groups that were deleted so long ago that nobody writes there any more, and whose files were not looked for to the end.
    pub async fn list_ended(self, now: Timestamp, limit: u16) -> Result<Vec<EndedRoom>, Fault> {
        let rooms = self.0.collection::<EndedRow>(ROOMS);
        let ended = rooms.find(doc! { "ended.at": { "$lte": date(now.minus(LATEST_WRITE)) } });
        let ended = ended.projection(doc! { "ended": 1 }).sort(doc! { "ended.at": 1 });
        let ended = ended.limit(limit.into()).batch_size(one_batch(limit.into()));
        let rows: Vec<_> = async { ended.await?.try_collect().await }.await.map_err(store_fault)?;
        Ok(rows
            .into_iter()
            .map(|EndedRow { room, ended: EndedDocument { at, after } }| EndedRoom { room, at, after })
            .collect())
    }

    /// Leaves the files of a batch of a deleted group's messages to be deleted; answers whether there are more messages.
    pub async fn purge_ended(self, ended: &mut EndedRoom) -> Result<bool, Fault> {
        #[derive(Deserialize)]
        struct Row {
            seq: Seq,
        }
        let EndedRoom { room, at, after } = ended;
        let behind = |condition: Document| {
            let mut filter = in_room(*room);
            filter.insert("seq", condition);
            filter
        };
        let messages = self.0.collection::<Row>(MESSAGES);
        let last = messages.find_one(behind(doc! { "$gt": after.0 })).sort(doc! { "seq": 1 });
        let last = last.skip(u64::from(BATCH) - 1).projection(doc! { "_id": 0, "seq": 1 });
        let last = last.hint(Hint::Name(ROOM_SEQ_KEY.to_owned())).await.map_err(store_fault)?.map(|row| row.seq);
        let batch = last.map_or_else(|| doc! { "$gt": after.0 }, |last| doc! { "$gt": after.0, "$lte": last.0 });
        let mut with_files = behind(batch);
        with_files.insert("uploads", doc! { "$exists": true });
        let purge = doc! { "$rename": { "uploads": "purge" }, "$unset": { "attachments": "" } };
        let documents = self.0.documents(MESSAGES);
        let purging = documents.update_many(with_files, purge).hint(Hint::Name(ROOM_SEQ_KEY.to_owned()));
        purging.await.map_err(store_fault)?;
        // Of a group that is told of once more meanwhile all is looked at again.
        let this = doc! { "_id": room.to_string(), "ended.at": *at };
        let done = || doc! { "$unset": { "ended": "" } };
        let change = last.map_or_else(done, |last| doc! { "$set": { "ended.after": last.0 } });
        self.0.documents(ROOMS).update_one(this, change).await.map_err(store_fault)?;
        *after = last.unwrap_or(*after);
        Ok(last.is_some())
    }
}

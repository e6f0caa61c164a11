use super::document::{OPEN, bytes, moment, words};
use crate::{
    Mongo,
    fault::{is_duplicate_key, store_fault},
    messages::date,
    one_batch,
    schema::{UPLOADS, USAGES},
    write_once_more,
};
use domain::{Fault, Timestamp, UploadLimits, UserId};
use futures_util::TryStreamExt as _;
use mongodb::bson::{DateTime, Document, deserialize_from_document, doc};
use serde::Deserialize;
use std::time::Duration;

/// How often a person's uploads are summed anew.
const CHECKED_EVERY: Duration = Duration::from_hours(24);
/// How long a change of an upload and that of its owner's count may be apart.
const CHANGE_HAS: Duration = Duration::from_mins(5);

/// The repository of `usages`: how many open uploads and bytes each person has.
///
/// A count follows what it counts, so that it is too high after a crash and never too low. Summing anew puts it right.
#[derive(Debug, Clone, Copy)]
pub struct Usages<'a>(pub(crate) &'a Mongo);

/// What summing a person's uploads anew came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recounted {
    /// The count is right.
    Right,
    /// The count was put right.
    Corrected,
    /// Something changed meanwhile or just before: it is summed later.
    Busy,
}

#[derive(Deserialize)]
struct UsageRow {
    #[serde(rename = "_id")]
    user: UserId,
    bytes: i64,
    open: i64,
    ops: i64,
    reserved_at: DateTime,
}

impl Usages<'_> {
    fn documents(self) -> mongodb::Collection<Document> {
        self.0.documents(USAGES)
    }

    /// Reserves a place for an open upload of so many bytes; `false` if the person has too many.
    pub async fn reserve(self, user: UserId, size: u64, limits: &UploadLimits, now: Timestamp) -> Result<bool, Fault> {
        let Some(most) = limits.stored_bytes.checked_sub(size) else { return Ok(false) };
        let fits = doc! { "_id": user.0, "bytes": { "$lte": bytes(most) }, "open": { "$lt": i64::from(limits.open) } };
        let change = doc! {
            "$inc": { "bytes": bytes(size), "open": 1_i64, "ops": 1_i64 },
            "$set": { "reserved_at": date(now) },
            "$setOnInsert": { "checked_at": date(now) },
        };
        // The upsert collides with a document that the filter passes over. A write that happens twice counts too much.
        let reserve = || async { self.documents().update_one(fits.clone(), change.clone()).upsert(true).await };
        match write_once_more(reserve).await {
            Ok(_) => Ok(true),
            Err(error) if is_duplicate_key(&error) => Ok(false),
            Err(error) => Err(store_fault(error)),
        }
    }

    /// Takes a reservation back of which no upload came.
    pub async fn take_back(self, user: UserId, size: u64) -> Result<(), Fault> {
        self.add(user, doc! { "bytes": -bytes(size), "open": -1_i64 }).await
    }

    /// Counts uploads as open no more: they are taken, or end.
    pub async fn close(self, user: UserId, number: u32) -> Result<(), Fault> {
        self.add(user, doc! { "open": -i64::from(number) }).await
    }

    /// Counts bytes no more: they are deleted.
    pub(crate) async fn free(self, user: UserId, size: u64) -> Result<(), Fault> {
        self.add(user, doc! { "bytes": -bytes(size) }).await
    }

    async fn add(self, user: UserId, mut change: Document) -> Result<(), Fault> {
        change.insert("ops", 1_i64);
        let this = doc! { "_id": user.0 };
        self.documents().update_one(this, doc! { "$inc": change }).await.map_err(store_fault)?;
        Ok(())
    }

    pub(crate) async fn remove(self, user: UserId) -> Result<(), Fault> {
        self.documents().delete_one(doc! { "_id": user.0 }).await.map_err(store_fault)?;
        Ok(())
    }

    /// People whose uploads were not summed for a day, the longest waiting first.
    pub async fn list_unchecked(self, now: Timestamp, limit: u16) -> Result<Vec<UserId>, Fault> {
        let old = doc! { "checked_at": { "$lte": date(now.minus(CHECKED_EVERY)) } };
        let usages = self.0.collection::<UsageRow>(USAGES);
        let old = usages.find(old).sort(doc! { "checked_at": 1 }).limit(limit.into());
        let rows: Vec<_> =
            async { old.batch_size(one_batch(limit.into())).await?.try_collect().await }.await.map_err(store_fault)?;
        Ok(rows.into_iter().map(|row| row.user).collect())
    }

    /// Sums a person's uploads anew, and sets the count where nothing else has changed it meanwhile.
    pub async fn recount(self, user: UserId, now: Timestamp) -> Result<Recounted, Fault> {
        let found = self.0.collection::<UsageRow>(USAGES).find_one(doc! { "_id": user.0 }).await;
        let Some(counted) = found.map_err(store_fault)? else { return Ok(Recounted::Right) };
        let sum = self.sum(user).await?;
        let unchanged = doc! { "_id": user.0, "ops": counted.ops };
        let (quiet, is_right) = (now.minus(CHANGE_HAS), (sum.bytes, sum.open) == (counted.bytes, counted.open));
        // A request under way has reserved and not inserted, or moved an upload and not counted it yet.
        let is_busy = quiet < moment(counted.reserved_at) || sum.moved_at.is_some_and(|at| quiet < moment(at));
        let set = match (is_right, is_busy) {
            (true, _) => doc! { "checked_at": date(now) },
            (false, true) => doc! { "checked_at": date(now.minus(CHECKED_EVERY).plus(2 * CHANGE_HAS)) },
            (false, false) => doc! { "checked_at": date(now), "bytes": sum.bytes, "open": sum.open },
        };
        let change = doc! { "$set": set, "$inc": { "ops": 1_i64 } };
        let set = self.documents().update_one(unchanged, change).await.map_err(store_fault)?;
        Ok(match (is_right, is_busy) {
            (true, _) => Recounted::Right,
            (false, false) if set.modified_count == 1 => Recounted::Corrected,
            _ => Recounted::Busy,
        })
    }

    async fn sum(self, user: UserId) -> Result<Sum, Fault> {
        let is_kept = doc! { "$eq": [{ "$ifNull": ["$passes", 0] }, 0] };
        let is_open = doc! { "$in": ["$state", words(&OPEN)] };
        let pipeline = [
            doc! { "$match": { "owner": user.0 } },
            doc! { "$group": {
                "_id": null,
                "bytes": { "$sum": { "$cond": [is_kept, "$size", 0_i64] } },
                "open": { "$sum": { "$cond": [is_open, 1_i64, 0_i64] } },
                "moved_at": { "$max": "$moved_at" },
            } },
        ];
        let summed = async { self.0.documents(UPLOADS).aggregate(pipeline).await?.try_next().await };
        match summed.await.map_err(store_fault)? {
            Some(sum) => deserialize_from_document(sum).map_err(Fault::internal),
            None => Ok(Sum { bytes: 0, open: 0, moved_at: None }),
        }
    }
}

#[derive(Deserialize)]
struct Sum {
    bytes: i64,
    open: i64,
    moved_at: Option<DateTime>,
}

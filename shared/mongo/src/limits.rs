use crate::{
    Mongo,
    fault::store_fault,
    quota::{self, Rate},
    schema::LIMITS,
    w1, write_once_more,
};
use domain::{FREE_FAILURES, Fault, Limit, pause_after_failures};
use mongodb::{
    bson::{Bson, Document, deserialize_from_document, doc, oid::ObjectId},
    options::ReturnDocument,
};
use serde::Deserialize;
use std::time::Duration;

/// How long failed logins are remembered after the last one.
const FAILURES_LIVE: Duration = Duration::from_mins(15);
/// How many failures in a row make a difference to the pause.
const MOST_FAILURES: u32 = 12;

/// The repository of `limits`: token buckets and failed logins of those who are not logged in. A person's own buckets are in
/// their gate.
#[derive(Debug, Clone, Copy)]
pub struct Limits<'a>(pub(crate) &'a Mongo);

/// What a bucket holds, and whether it held enough.
#[derive(Deserialize)]
struct Left {
    tokens: f64,
    allowed: bool,
}

impl Left {
    fn admit(self, limit: Limit, cost: u32) -> Result<(), Fault> {
        let wait = wait_for_tokens(f64::from(cost) - self.tokens, limit);
        if self.allowed { Ok(()) } else { Err(Fault::rate_limited(wait)) }
    }
}

impl Limits<'_> {
    /// Takes a token from a bucket; `RateLimited` with the time to wait if it is empty. The client hears what is left, under the
    /// part of the name before the colon. `w: 1`: a token that comes back in a failover harms nobody.
    pub async fn spend(self, bucket: &str, limit: Limit) -> Result<(), Fault> {
        let left = self.take(bucket, limit, 1, ObjectId::new()).await?;
        let name = bucket.split(':').next().unwrap_or_default().to_owned();
        quota::note(name, Rate::of(limit), left.tokens);
        left.admit(limit, 1)
    }

    /// The same, unknown to the client.
    pub async fn spend_unseen(self, bucket: &str, limit: Limit) -> Result<(), Fault> {
        self.take(bucket, limit, 1, ObjectId::new()).await?.admit(limit, 1)
    }

    /// The same of a bucket whose tokens come back by the hour; it counts in sixtieths.
    pub async fn spend_hourly(self, bucket: &str, limit: Limit) -> Result<(), Fault> {
        let limit = Limit { burst: limit.burst.saturating_mul(60), ..limit };
        self.take(bucket, limit, 60, ObjectId::new()).await?.admit(limit, 60)
    }

    /// Takes the only token of a bucket, which comes back after `once_in`; `false` if it is not there.
    pub async fn spend_once(self, bucket: &str, once_in: Duration) -> Result<bool, Fault> {
        self.take_only(bucket, once_in, ObjectId::new().into()).await
    }

    /// The same for a holder: `true` also if the token is not there because this holder took it.
    pub async fn hold(self, bucket: &str, holder: &str, once_in: Duration) -> Result<bool, Fault> {
        self.take_only(bucket, once_in, holder.into()).await
    }

    /// Gives back what was taken from a bucket of one token. `w: 1`.
    pub async fn refund(self, bucket: &str) -> Result<(), Fault> {
        let this = doc! { "_id": bucket };
        self.0.documents(LIMITS).delete_one(this).write_concern(w1()).await.map_err(store_fault)?;
        Ok(())
    }

    /// A token of which all comes back after a while counts in milliseconds.
    async fn take_only(self, bucket: &str, once_in: Duration, by: Bson) -> Result<bool, Fault> {
        let whole = u32::try_from(once_in.as_millis()).unwrap_or(u32::MAX);
        let left = self.take(bucket, Limit { burst: whole, per_minute: 60_000 }, whole, by).await?;
        Ok(left.allowed)
    }

    async fn take(self, bucket: &str, limit: Limit, cost: u32, by: impl Into<Bson>) -> Result<Left, Fault> {
        let (taken, full_after) = (i64::from(cost), limit.pause().saturating_mul(limit.burst) + Duration::from_mins(1));
        let Once { allowed, takes, by } = Once::new("$by", by, doc! { "$gte": ["$tokens", taken] });
        let update = vec![
            doc! { "$set": { "tokens": refilled(limit, "$tokens", "$at"), "at": "$$NOW", "expires_at": from_now(full_after) } },
            doc! { "$set": { "allowed": allowed } },
            doc! { "$set": { "tokens": { "$subtract": ["$tokens", { "$cond": [takes, taken, 0] }] }, "by": by } },
        ];
        self.change(bucket, update).await
    }

    /// Counts a login as failed before it is tried, so that concurrent attempts can't exceed the limit; `RateLimited` while earlier
    /// failures make it wait. `w: 1`.
    pub async fn begin_login(self, name: &str) -> Result<(), Fault> {
        #[derive(Deserialize)]
        struct Tries {
            allowed: bool,
            wait: i64,
        }
        let is_over = doc! { "$gte": ["$$NOW", { "$ifNull": ["$until", "$$NOW"] }] };
        let Once { allowed, takes: counts, by } = Once::new("$by", ObjectId::new(), is_over);
        let pauses: Vec<i64> = (0..=MOST_FAILURES).map(|n| millis(pause_after_failures(n))).collect();
        let failures = doc! { "$min": [{ "$add": [{ "$ifNull": ["$failures", 0] }, 1] }, i64::from(MOST_FAILURES)] };
        let pause = doc! { "$arrayElemAt": [pauses, "$failures"] };
        let update = vec![
            doc! { "$set": {
                "allowed": allowed,
                "wait": { "$subtract": [{ "$ifNull": ["$until", "$$NOW"] }, "$$NOW"] },
                "expires_at": from_now(FAILURES_LIVE),
            } },
            doc! { "$set": { "failures": { "$cond": [&counts, failures, "$failures"] } } },
            // No pause is no time at all: of two at once the later one may have the earlier `$$NOW`.
            doc! { "$set": {
                "until": { "$cond": [
                    counts,
                    { "$cond": [{ "$gt": [&pause, 0] }, { "$add": ["$$NOW", &pause] }, null] },
                    "$until",
                ] },
                "by": by,
            } },
        ];
        let tries: Tries = self.change(&failures_of(name), update).await?;
        let wait = Duration::from_millis(u64::try_from(tries.wait).unwrap_or(0).max(1));
        if tries.allowed { Ok(()) } else { Err(Fault::rate_limited(wait)) }
    }

    /// Forgets the failed logins before one that succeeded. `w: 1`.
    pub async fn forget_failed_logins(self, name: &str) -> Result<(), Fault> {
        let these = doc! { "_id": failures_of(name) };
        self.0.documents(LIMITS).delete_one(these).write_concern(w1()).await.map_err(store_fault)?;
        Ok(())
    }

    /// Makes the next login wait, as if all free failures were used up. `w: 1`.
    pub async fn use_up_free_tries(self, name: &str) -> Result<(), Fault> {
        let pause = from_now(pause_after_failures(FREE_FAILURES));
        let update = vec![doc! { "$set": {
            "failures": { "$max": ["$failures", i64::from(FREE_FAILURES)] },
            "until": { "$max": ["$until", pause] },
        } }];
        let these = doc! { "_id": failures_of(name) };
        self.0.documents(LIMITS).update_one(these, update).write_concern(w1()).await.map_err(store_fault)?;
        Ok(())
    }

    async fn change<T: for<'de> Deserialize<'de>>(self, id: &str, update: Vec<Document>) -> Result<T, Fault> {
        let limits = self.0.documents(LIMITS);
        let change = || async {
            limits
                .find_one_and_update(doc! { "_id": id }, update.clone())
                .upsert(true)
                .return_document(ReturnDocument::After)
                .write_concern(w1())
                .await
        };
        let found = write_once_more(change).await.map_err(store_fault)?.unwrap_or_default();
        deserialize_from_document(found).map_err(Fault::internal)
    }
}

/// Makes a write that takes from a bucket idempotent: the bucket stores who took last, and a repeated write that finds its own id takes
/// nothing. If somebody else took in between, it takes again.
pub(crate) struct Once {
    /// Whether it may take or has taken; to be set as `allowed`.
    pub(crate) allowed: Document,
    /// In the stage after that: whether it takes now.
    pub(crate) takes: Document,
    /// In the stage after that: who has taken last.
    pub(crate) by: Document,
}

impl Once {
    /// `last` is the expression of who took last, `by` who is to take, and `may` whether there is enough.
    pub(crate) fn new(last: &str, by: impl Into<Bson>, may: Document) -> Self {
        let by = doc! { "$literal": by.into() };
        let has_taken = doc! { "$eq": [last, &by] };
        Self {
            allowed: doc! { "$or": [&has_taken, may] },
            takes: doc! { "$and": ["$allowed", { "$not": [has_taken] }] },
            by: doc! { "$cond": ["$allowed", by, last] },
        }
    }
}

/// What a bucket of tokens holds by now, by the server's clock; a new one is full.
pub(crate) fn refilled(limit: Limit, tokens: &str, at: &str) -> Bson {
    let elapsed = doc! { "$max": [0, { "$subtract": ["$$NOW", { "$ifNull": [at, "$$NOW"] }] }] };
    let back = doc! { "$divide": [{ "$multiply": [elapsed, i64::from(limit.per_minute)] }, 60_000] };
    let held = doc! { "$add": [{ "$ifNull": [tokens, i64::from(limit.burst)] }, back] };
    doc! { "$toDouble": { "$min": [i64::from(limit.burst), held] } }.into()
}

/// How long so many tokens take to come back.
pub(crate) fn wait_for_tokens(missing: f64, limit: Limit) -> Duration {
    let minutes = missing / f64::from(limit.per_minute);
    Duration::from_secs_f64((minutes * 60.0).clamp(0.001, 3_600.0))
}

pub(crate) fn from_now(while_: Duration) -> Document {
    doc! { "$add": ["$$NOW", millis(while_)] }
}

fn millis(while_: Duration) -> i64 {
    i64::try_from(while_.as_millis()).unwrap_or(i64::MAX)
}

fn failures_of(name: &str) -> String {
    format!("failures:{name}")
}

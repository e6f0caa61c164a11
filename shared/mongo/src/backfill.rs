//! Messages of versions before 8 get what they are found by, the newest first. It may stop anywhere, go on elsewhere, and run twice at
//! once. No `rev` moves and nobody is told, since nothing changes that a client sees.
//!
//! A deployment migrates before its code runs, so older code writes on for a while. An hour later all messages are gone through once
//! more: what older code wrote, edited or deleted meanwhile is put right.
//!
//! A rollback may bring code of before version 8 back after that. Each migration looks for a trace of it, a new message without grams,
//! and once more when older code writes no more; only where there is one, all messages are gone through again.

use crate::{
    Schema,
    fault::store_fault,
    messages::grams_of,
    one_batch,
    schema::{MESSAGES, SCHEMA},
    write_once_more,
};
use domain::{Clock, Fault, MessageType, Rev, Timestamp, UserId};
use futures_util::TryStreamExt as _;
use mongodb::bson::{Bson, DateTime, Document, doc, oid::ObjectId};
use serde::Deserialize;

/// The document of the state, beside that of the version.
const STATE: &str = "grams";

/// How many messages are read and written at once.
const BATCH: usize = 500;

/// How often a batch is read again because some of its messages changed meanwhile.
const MOST_READINGS: u32 = 10;

/// For how long after a migration older code may still write.
const OLDER_CODE_MILLIS: i64 = 60 * 60 * 1_000;

/// At how many of the newest messages it is looked whether older code wrote again. It wrote the last ones before a migration, and of
/// those after it, which it only writes for minutes, a database with more has had some before.
const MOST_LOOKED_AT: i64 = 10_000;

/// What a run did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Backfilled {
    /// Messages that can be found from now on, or by other words than before.
    pub indexed: usize,
    /// Whether there may be more.
    pub left: bool,
}

#[derive(Deserialize)]
struct State {
    /// Messages from this one on are done.
    before: Option<ObjectId>,
    /// Whether all are gone through for the second time.
    #[serde(default)]
    second: bool,
    /// When that may begin.
    due_at: Option<DateTime>,
    done_at: Option<DateTime>,
}

#[derive(Deserialize)]
struct Row {
    #[serde(rename = "_id")]
    id: ObjectId,
    user_id: UserId,
    content: String,
    message_type: MessageType,
    #[serde(default)]
    mentions: Vec<UserId>,
    rev: Rev,
    deleted_at: Option<DateTime>,
    #[serde(rename = "g")]
    grams: Option<Vec<i32>>,
}

impl Row {
    /// The change that its grams need: those that it should have, or none at all.
    fn correction(&self) -> Option<Document> {
        let is_shown = self.deleted_at.is_none() && self.message_type != MessageType::System;
        let right = is_shown.then(|| grams_of(self.user_id, &self.content, self.message_type, &self.mentions));
        let unset = || doc! { "$unset": { "g": "" } };
        (self.grams != right).then(|| right.map_or_else(unset, |grams| doc! { "$set": { "g": grams } }))
    }
}

impl Schema<'_> {
    /// Notes that messages may be there which can't be found yet; of a database that has none, that there are none. While it is
    /// not done, another migration says that older code ran again; once it is, a message that older code wrote.
    pub(crate) async fn begin_backfill(self, is_new: bool) -> Result<(), Fault> {
        let messages = self.0.documents(MESSAGES);
        let is_empty = is_new && messages.find_one(doc! {}).await.map_err(store_fault)?.is_none();
        let mut state = doc! {
            "version": 1,
            "before": { "$cond": ["$second", "$$REMOVE", "$before"] },
            "due_at": { "$add": ["$$NOW", OLDER_CODE_MILLIS] },
        };
        if is_empty {
            state.insert("done_at", doc! { "$ifNull": ["$done_at", "$$NOW"] });
        }
        self.note(vec![doc! { "$set": state }]).await?;
        if let Some(done_at) = self.backfill_state().await?.and_then(|state| state.done_at) {
            self.look_again(done_at).await?;
        }
        Ok(())
    }

    /// Whether every message can be found that a search may show.
    pub async fn is_backfilled(self) -> Result<bool, Fault> {
        Ok(self.backfill_state().await?.is_some_and(|state| state.done_at.is_some()))
    }

    /// Gives messages without grams theirs until all have them or the time is over. Does nothing before [`Schema::ensure`].
    pub async fn backfill(self, clock: Clock, until: Timestamp) -> Result<Backfilled, Fault> {
        let mut indexed = 0;
        loop {
            // Read each time: another run may be further.
            let Some(state) = self.backfill_state().await? else { return Ok(Backfilled { indexed, left: true }) };
            let now = clock.now();
            let due_at = state.due_at.map_or(0, DateTime::timestamp_millis);
            let waits = state.second && now < Timestamp::from_millis(due_at);
            if let Some(done_at) = state.done_at {
                let is_to_be_looked_at = done_at.timestamp_millis() < due_at && now >= Timestamp::from_millis(due_at);
                if !is_to_be_looked_at || self.look_again(done_at).await? {
                    return Ok(Backfilled { indexed, left: false });
                }
                continue;
            }
            if waits || now >= until {
                return Ok(Backfilled { indexed, left: true });
            }
            indexed += self.fill_batch(&state).await?;
        }
    }

    /// Whether it still is done: if older code has written since, all messages are to be gone through anew.
    async fn look_again(self, done_at: DateTime) -> Result<bool, Fault> {
        let wrote = self.has_new_without_grams(done_at.timestamp_millis() - OLDER_CODE_MILLIS).await?;
        // Another run may have seen more.
        let later = doc! { "$cond": [{ "$eq": ["$done_at", done_at] }, "$$NOW", "$done_at"] };
        let later = doc! { "$set": { "done_at": later } };
        let anew = doc! { "$unset": ["done_at", "second", "before"] };
        self.note(vec![if wrote { anew } else { later }]).await?;
        Ok(!wrote)
    }

    /// Whether one of the newest messages since a moment lacks what it is found by.
    async fn has_new_without_grams(self, since: i64) -> Result<bool, Fault> {
        let not_system = doc! { "$ne": MessageType::System.as_str() };
        let without_grams = doc! { "g": { "$exists": false }, "deleted_at": Bson::Null, "message_type": not_system };
        let newest = [
            doc! { "$match": { "_id": { "$gte": first_id(since) } } },
            doc! { "$sort": { "_id": -1 } },
            doc! { "$limit": MOST_LOOKED_AT },
            doc! { "$match": without_grams },
            doc! { "$limit": 1 },
            doc! { "$project": { "_id": 1 } },
        ];
        let messages = self.0.documents(MESSAGES);
        let found: Vec<Document> =
            async { messages.aggregate(newest).await?.try_collect().await }.await.map_err(store_fault)?;
        Ok(!found.is_empty())
    }

    /// Works on the messages just before one. What changes meanwhile is read again: a new text has brought its own grams, but a
    /// reaction or a pin has not.
    async fn fill_batch(self, state: &State) -> Result<usize, Fault> {
        let mut indexed = 0;
        for _ in 0..MOST_READINGS {
            let rows = self.read_batch(state.before).await?;
            let wrong: Vec<_> = rows.iter().filter_map(|row| Some((row, row.correction()?))).collect();
            let updated = self.write_grams(&wrong).await?;
            indexed += updated;
            if updated == wrong.len() {
                self.note(progress(&rows, state)).await?;
                return Ok(indexed);
            }
        }
        Err(Fault::unavailable("messages changed each time that they were to be indexed"))
    }

    async fn read_batch(self, before: Option<ObjectId>) -> Result<Vec<Row>, Fault> {
        let fields =
            doc! { "user_id": 1, "content": 1, "message_type": 1, "mentions": 1, "rev": 1, "deleted_at": 1, "g": 1 };
        let filter = before.map_or_else(Document::new, |before| doc! { "_id": { "$lt": before } });
        let messages = self.0.collection::<Row>(MESSAGES);
        let find = messages.find(filter).sort(doc! { "_id": -1 }).projection(fields);
        let find = find.limit(i64::try_from(BATCH).unwrap_or(i64::MAX)).batch_size(one_batch(BATCH));
        async { find.await?.try_collect().await }.await.map_err(store_fault)
    }

    /// Corrects the grams of messages that still are as they were read, and answers how many these were.
    async fn write_grams(self, wrong: &[(&Row, Document)]) -> Result<usize, Fault> {
        if wrong.is_empty() {
            return Ok(0);
        }
        let updates = wrong.iter().map(|(row, change)| doc! { "q": { "_id": row.id, "rev": row.rev.0 }, "u": change });
        Ok(self.0.update_each(MESSAGES, updates.collect()).await?.matched)
    }

    async fn backfill_state(self) -> Result<Option<State>, Fault> {
        let states = self.0.collection::<State>(SCHEMA);
        states.find_one(doc! { "_id": STATE }).await.map_err(store_fault)
    }

    async fn note(self, change: Vec<Document>) -> Result<(), Fault> {
        let states = self.0.documents(SCHEMA);
        let write = || async { states.update_one(doc! { "_id": STATE }, change.clone()).upsert(true).await };
        write_once_more(write).await.map_err(store_fault)?;
        Ok(())
    }
}

/// The state after a batch. A run that is behind moves nothing back, and notes nothing once all messages are gone through anew.
fn progress(rows: &[Row], state: &State) -> Vec<Document> {
    let second = state.second;
    let is_same_time = doc! { "$eq": [{ "$ifNull": ["$second", false] }, second] };
    let is_same = doc! { "$and": [is_same_time, { "$eq": ["$due_at", state.due_at] }] };
    let unless_other = |field: &str, value: Bson| doc! { "$cond": [&is_same, value, format!("${field}")] };
    let next = match rows.last() {
        Some(last) if rows.len() == BATCH => {
            doc! { "before": unless_other("before", doc! { "$min": ["$before", last.id] }.into()) }
        }
        _ if second => doc! { "done_at": unless_other("done_at", "$$NOW".into()) },
        _ => doc! { "second": true, "before": unless_other("before", "$$REMOVE".into()) },
    };
    vec![doc! { "$set": next }]
}

/// The least id that is made at a moment or later.
fn first_id(millis: i64) -> ObjectId {
    let seconds = u32::try_from(millis / 1_000).unwrap_or(0).to_be_bytes();
    let mut id = [0; 12];
    id[..seconds.len()].copy_from_slice(&seconds);
    ObjectId::from_bytes(id)
}

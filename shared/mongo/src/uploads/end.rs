//! How uploads end. An upload that is being deleted is looked at twice: a slow inspection may write after its objects are gone.

use super::{
    Uploads, Usages,
    document::{OPEN, UploadDocument, attached, moment, unclaimed, words},
};
use crate::{
    fault::store_fault,
    messages::{date, object_id},
    one_batch,
    schema::{MESSAGES, UPLOADS},
};
use domain::{Fault, MessageId, Purpose, Timestamp, Upload, UploadId, UploadState, UserId};
use futures_util::TryStreamExt as _;
use mongodb::{
    bson::{Bson, DateTime, Document, doc, oid::ObjectId},
    options::ReturnDocument,
};
use serde::Deserialize;
use std::{collections::HashMap, time::Duration};

/// How long a writer that has seen an upload may still write a message with it.
const WRITER_HAS: Duration = Duration::from_mins(1);
/// How long a slow inspection, or a link to send the file, may still write objects.
const INSPECTION_HAS: Duration = Duration::from_mins(15);
/// How many of a person's uploads are ended at once.
const BATCH: usize = 500;

/// What became of a person's wish to delete an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It is being deleted.
    Done,
    /// Something has it, or is about to take it.
    Taken,
    /// The person has no such upload.
    NotFound,
}

/// An upload that somebody must look at.
#[derive(Debug)]
pub struct Due {
    /// The upload.
    pub upload: Upload,
    /// Whether something was about to take it.
    pub is_claimed: bool,
    /// What has taken it or was about to: `user:3` or `group:7` of a picture.
    pub(super) place: Option<String>,
    /// How often its objects were deleted.
    pub passes: u32,
    /// Until when somebody inspects it.
    pub leased_until: Option<Timestamp>,
}

/// A deleted message whose files are to be deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purge {
    /// The message.
    pub message: MessageId,
    /// Its files, posters included.
    pub uploads: Vec<UploadId>,
}

impl Uploads<'_> {
    /// Deletes an upload of a person's that nothing has taken.
    pub async fn end_own(self, owner: UserId, id: UploadId, now: Timestamp) -> Result<Ended, Fault> {
        let free = doc! {
            "_id": id.to_string(), "owner": owner.0,
            "state": { "$in": words(&OPEN) }, "claim": { "$exists": false },
        };
        if self.end_one(free, now).await? {
            return Ok(Ended::Done);
        }
        let found = self.find(id).await?.filter(|upload| upload.owner == owner);
        Ok(match found.map(|upload| upload.state) {
            None => Ended::NotFound,
            Some(UploadState::Deleting) => Ended::Done,
            Some(_) => Ended::Taken,
        })
    }

    /// Deletes the files of deleted messages, whatever their state: they had them.
    pub async fn end_purged(self, purges: &[Purge], now: Timestamp) -> Result<(), Fault> {
        let ids: Vec<_> = purges.iter().flat_map(|purge| &purge.uploads).map(UploadId::to_string).collect();
        let theirs = |state: Bson| doc! { "_id": { "$in": &ids }, "state": state };
        // Who has read that a message lists one that is being deleted gives it back no more.
        let moved = doc! { "due_at": { "$max": ["$due_at", date(now.plus(WRITER_HAS))] } };
        let ending = theirs(UploadState::Deleting.as_str().into());
        self.collection().update_many(ending, vec![doc! { "$set": moved }]).await.map_err(store_fault)?;
        // Those whose writer died before it noted that the message has them: each is still counted.
        let open = theirs(doc! { "$in": words(&OPEN) }.into());
        for id in self.list_ids(open, ids.len()).await? {
            let this = doc! { "_id": id.to_string(), "state": { "$ne": UploadState::Deleting.as_str() } };
            self.end_one(this, now).await?;
        }
        let attached = theirs(UploadState::Attached.as_str().into());
        self.collection().update_many(attached, deleting(now)).await.map_err(store_fault)?;
        let messages: Vec<_> = purges.iter().map(|purge| object_id(purge.message)).collect();
        let done = doc! { "$unset": { "purge": "" } };
        let deleted = self.0.documents(MESSAGES);
        deleted.update_many(doc! { "_id": { "$in": messages } }, done).await.map_err(store_fault)?;
        Ok(())
    }

    /// Leaves those of some uploads to be deleted whose message was deleted by a version without files, which left them in the
    /// tombstone.
    pub async fn purge_tombstones(self, ids: &[UploadId]) -> Result<(), Fault> {
        if ids.is_empty() {
            return Ok(());
        }
        let ids: Vec<_> = ids.iter().map(UploadId::to_string).collect();
        let tombstones = doc! { "uploads": { "$in": ids }, "deleted_at": { "$ne": null } };
        let purge = doc! { "$rename": { "uploads": "purge" }, "$unset": { "attachments": "" } };
        self.0.documents(MESSAGES).update_many(tombstones, purge).await.map_err(store_fault)?;
        Ok(())
    }

    /// Deletes every upload of a person whose account is deleted, and what was counted of them. Pictures of groups stay theirs.
    pub async fn end_of_person(self, owner: UserId, now: Timestamp) -> Result<(), Fault> {
        let of_group = |by: &str| doc! { "purpose": Purpose::GroupPicture.as_str(), by: { "$exists": true } };
        let theirs = doc! {
            "owner": owner.0,
            "state": { "$ne": UploadState::Deleting.as_str() },
            "$nor": [of_group("holder"), of_group("claim")],
        };
        loop {
            let ids = self.list_ids(theirs.clone(), BATCH).await?;
            if ids.is_empty() {
                break;
            }
            let mut these = theirs.clone();
            these.insert("_id", doc! { "$in": ids.iter().map(UploadId::to_string).collect::<Vec<_>>() });
            self.collection().update_many(these, deleting(now)).await.map_err(store_fault)?;
        }
        Usages(self.0).remove(owner).await
    }

    /// So many uploads that a filter allows.
    async fn list_ids(self, filter: Document, limit: usize) -> Result<Vec<UploadId>, Fault> {
        #[derive(Deserialize)]
        struct Row {
            #[serde(rename = "_id")]
            id: UploadId,
        }
        let uploads = self.0.collection::<Row>(UPLOADS);
        let some = uploads.find(filter).projection(doc! { "_id": 1 }).limit(i64::try_from(limit).unwrap_or(i64::MAX));
        let some = some.batch_size(one_batch(limit));
        let rows: Vec<_> = async { some.await?.try_collect().await }.await.map_err(store_fault)?;
        Ok(rows.into_iter().map(|row| row.id).collect())
    }

    /// Moves an upload that a filter allows to its end; answers whether it did.
    pub(super) async fn end_one(self, filter: Document, now: Timestamp) -> Result<bool, Fault> {
        let before = self.collection().find_one_and_update(filter, deleting(now)).await.map_err(store_fault)?;
        let Some(before) = before.map(Upload::from) else { return Ok(false) };
        if OPEN.contains(&before.state) {
            Usages(self.0).close(before.owner, 1).await?;
        }
        Ok(true)
    }

    /// Uploads that somebody but an inspection must look at, the longest waiting first.
    pub async fn list_due(self, now: Timestamp, limit: u16) -> Result<Vec<Due>, Fault> {
        let due = doc! { "due_at": { "$lte": date(now) }, "state": { "$ne": UploadState::Uploaded.as_str() } };
        let uploads = self.collection();
        let due = uploads.find(due).sort(doc! { "due_at": 1 }).limit(limit.into()).batch_size(one_batch(limit.into()));
        let rows: Vec<_> = async { due.await?.try_collect().await }.await.map_err(store_fault)?;
        Ok(rows.into_iter().map(Due::from).collect())
    }

    /// Since when the longest waiting upload is due, if one is.
    pub async fn find_oldest_due(self, now: Timestamp) -> Result<Option<Timestamp>, Fault> {
        #[derive(Deserialize)]
        struct Row {
            due_at: DateTime,
        }
        let uploads = self.0.collection::<Row>(UPLOADS);
        let due = uploads.find_one(doc! { "due_at": { "$lte": date(now) } }).sort(doc! { "due_at": 1 });
        let oldest = due.projection(doc! { "_id": 0, "due_at": 1 }).await.map_err(store_fault)?;
        Ok(oldest.map(|row| moment(row.due_at)))
    }

    /// Which messages have some uploads; deleted ones have none.
    pub async fn list_holders(self, ids: &[UploadId]) -> Result<HashMap<UploadId, MessageId>, Fault> {
        #[derive(Deserialize)]
        struct Row {
            #[serde(rename = "_id")]
            id: ObjectId,
            uploads: Vec<UploadId>,
        }
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let names: Vec<_> = ids.iter().map(UploadId::to_string).collect();
        let these = doc! { "uploads": { "$in": names }, "deleted_at": null };
        let messages = self.0.collection::<Row>(MESSAGES);
        let holding = messages.find(these).projection(doc! { "uploads": 1 }).batch_size(one_batch(ids.len()));
        let rows: Vec<_> = async { holding.await?.try_collect().await }.await.map_err(store_fault)?;
        let each = rows.into_iter().flat_map(|row| {
            let message = MessageId(row.id.bytes());
            row.uploads.into_iter().map(move |upload| (upload, message))
        });
        Ok(each.collect())
    }

    /// Ends an upload whose time is over and that nothing has taken; `false` if that has changed.
    pub async fn expire(self, due: &Due, now: Timestamp) -> Result<bool, Fault> {
        let mut unchanged = due.unchanged();
        unchanged.insert("claim", doc! { "$exists": false });
        self.end_one(unchanged, now).await
    }

    /// Gives an upload to the message that lists it: its writer died before it noted that, or wrote late. `false` if that has
    /// changed.
    pub async fn give(self, due: &Due, holder: MessageId, now: Timestamp) -> Result<bool, Fault> {
        let change = attached(&holder.to_string(), now);
        let before = self.collection().find_one_and_update(due.unchanged(), change).await.map_err(store_fault)?;
        let Some(before) = before else { return Ok(false) };
        if OPEN.contains(&before.state) {
            Usages(self.0).close(before.owner, 1).await?;
        }
        Ok(true)
    }

    /// Frees an upload that was claimed by who died before the message was written; `false` if that has changed.
    pub async fn unclaim(self, due: &Due) -> Result<bool, Fault> {
        let mut unchanged = due.unchanged();
        unchanged.insert("claim", doc! { "$exists": true });
        let freed = self.collection().update_one(unchanged, unclaimed()).await.map_err(store_fault)?;
        Ok(freed.modified_count == 1)
    }

    /// Looks at an upload again at a later moment; `false` if that has changed.
    pub async fn postpone(self, due: &Due, until: Timestamp) -> Result<bool, Fault> {
        let later = doc! { "$set": { "due_at": date(until) } };
        let postponed = self.collection().update_one(due.unchanged(), later).await.map_err(store_fault)?;
        Ok(postponed.modified_count == 1)
    }

    /// Notes that the objects of an upload were deleted: after the first time it is looked at once more, after the second its row
    /// goes. `false` if somebody else noted it.
    pub async fn note_deleted(self, due: &Due, now: Timestamp) -> Result<bool, Fault> {
        let mut unchanged = due.unchanged();
        unchanged.insert("passes", i64::from(due.passes));
        if due.passes > 0 {
            let removed = self.collection().delete_one(unchanged).await.map_err(store_fault)?;
            return Ok(removed.deleted_count == 1);
        }
        let again =
            doc! { "$set": { "passes": 1_i64, "moved_at": date(now), "due_at": date(now.plus(INSPECTION_HAS)) } };
        let noted =
            self.collection().find_one_and_update(unchanged, again).return_document(ReturnDocument::After).await;
        let Some(row) = noted.map_err(store_fault)? else { return Ok(false) };
        Usages(self.0).free(row.owner, row.size).await?;
        Ok(true)
    }

    /// Deleted messages whose files are to be deleted, the longest waiting first.
    pub async fn list_purges(self, limit: u16) -> Result<Vec<Purge>, Fault> {
        #[derive(Deserialize)]
        struct Row {
            #[serde(rename = "_id")]
            id: ObjectId,
            purge: Vec<UploadId>,
        }
        let messages = self.0.collection::<Row>(MESSAGES);
        let waiting = messages.find(doc! { "purge": { "$exists": true } }).sort(doc! { "deleted_at": 1 });
        let waiting = waiting.projection(doc! { "purge": 1 }).limit(limit.into()).batch_size(one_batch(limit.into()));
        let rows: Vec<_> = async { waiting.await?.try_collect().await }.await.map_err(store_fault)?;
        Ok(rows.into_iter().map(|row| Purge { message: MessageId(row.id.bytes()), uploads: row.purge }).collect())
    }
}

impl Due {
    /// The row, as long as nothing has moved it: whatever does so changes its due time too.
    pub(super) fn unchanged(&self) -> Document {
        let Upload { id, state, due_at, .. } = &self.upload;
        doc! { "_id": id.to_string(), "state": state.as_str(), "due_at": due_at.map(date) }
    }
}

impl From<UploadDocument> for Due {
    fn from(row: UploadDocument) -> Self {
        let (is_claimed, passes) = (row.claim.is_some(), row.passes);
        let place = row.holder.clone().or_else(|| row.claim.as_ref().map(|claim| claim.key.clone()));
        let leased_until = row.lease.as_ref().map(|lease| moment(lease.until));
        Self { upload: row.into(), is_claimed, place, passes, leased_until }
    }
}

/// The change that begins to delete an upload. Its owner may use its `client_id` again; no client can send one with a space.
fn deleting(now: Timestamp) -> Vec<Document> {
    vec![doc! { "$set": {
        "state": UploadState::Deleting.as_str(),
        "client_id": { "$concat": ["deleting ", "$_id"] },
        "claim": "$$REMOVE",
        "holder": "$$REMOVE",
        "moved_at": date(now),
        "due_at": date(now.plus(WRITER_HAS)),
        "passes": 0_i64,
    } }]
}

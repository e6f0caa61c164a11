//! Taking uploads for messages: claimed beside the first step of a send, attached once the message is there. The unique key on the
//! uploads of messages decides what two claims might not.

use super::{
    Uploads, Usages,
    document::{UploadDocument, attached, unclaimed},
};
use crate::{fault::store_fault, messages::date, one_batch, w1};
use domain::{Attach, Fault, MessageDraft, MessageId, Purpose, Timestamp, Upload, UploadId, UploadState, UserId};
use futures_util::{TryStreamExt as _, future::try_join};
use mongodb::{
    bson::{Document, doc, oid::ObjectId},
    options::ReadConcern,
};
use std::{collections::HashMap, time::Duration};

/// For how long claimed uploads are left to who sends the message: longer than any request runs.
const CLAIM_HOLDS: Duration = Duration::from_mins(10);

/// How often uploads are claimed that seem free: each time they changed in between.
const TRIES: usize = 3;

/// Uploads that a request takes for a message. Requests that send the same message share what they claim.
#[derive(Debug)]
pub struct UploadClaim {
    owner: UserId,
    /// The same for every request that sends the message.
    key: String,
    /// Of this request.
    op: ObjectId,
    uploads: Vec<UploadId>,
}

/// An upload that its owner wants to send.
#[derive(Debug)]
pub struct Candidate {
    /// The upload.
    pub upload: Upload,
    /// Whether another message is being sent with it.
    pub is_claimed: bool,
}

/// What became of a claim.
#[derive(Debug)]
pub struct Claimed {
    /// Whether all uploads are claimed; otherwise none is.
    pub is_done: bool,
    /// Those that are there and their owner's.
    pub uploads: HashMap<UploadId, Candidate>,
}

impl UploadClaim {
    /// A claim of what a draft asks for; `None` of one that asks for nothing.
    pub fn of(draft: &MessageDraft) -> Option<Self> {
        let MessageDraft { room, user, client_id, attachments, .. } = draft;
        if attachments.is_empty() {
            return None;
        }
        // No part has a blank.
        let key = format!("{room} {user} {}", client_id.as_str());
        let uploads = attachments.iter().copied().flat_map(Attach::ids).collect();
        Some(Self { owner: *user, key, op: ObjectId::new(), uploads })
    }

    fn theirs(&self) -> Document {
        doc! { "_id": { "$in": names(&self.uploads) }, "owner": self.owner.0 }
    }
}

impl Candidate {
    fn is_free(&self) -> bool {
        let Upload { state, purpose, .. } = &self.upload;
        (*state, *purpose, self.is_claimed) == (UploadState::Ready, Purpose::Message, false)
    }
}

impl Uploads<'_> {
    /// Claims uploads for a message: all of them or none.
    ///
    /// `w: 1`, like the reservation of the message: where a failover loses a claim, the keys of the message decide.
    pub async fn claim(self, claim: &UploadClaim, now: Timestamp) -> Result<Claimed, Fault> {
        for _ in 0..TRIES {
            let (count, uploads) = try_join(self.take(claim, now), self.list_candidates(claim)).await?;
            let is_free = |uploads: &HashMap<_, Candidate>| {
                uploads.len() == claim.uploads.len() && uploads.values().all(Candidate::is_free)
            };
            if count == claim.uploads.len() && is_free(&uploads) {
                return Ok(Claimed { is_done: true, uploads });
            }
            if count > 0 {
                self.give_back(claim).await?;
            }
            let uploads = self.list_candidates(claim).await?;
            if !is_free(&uploads) {
                return Ok(Claimed { is_done: false, uploads });
            }
        }
        Err(Fault::unavailable("uploads changed each time that they were claimed"))
    }

    /// Gives back what a request claimed for a message that was refused; what another request for the same message has claimed
    /// since stays. `w: 1`: what stays claimed is free again some minutes later.
    pub async fn give_back(self, claim: &UploadClaim) -> Result<(), Fault> {
        let mut mine = claim.theirs();
        mine.extend(doc! { "state": UploadState::Ready.as_str(), "claim.op": claim.op });
        self.collection().update_many(mine, unclaimed()).write_concern(w1()).await.map_err(store_fault)?;
        Ok(())
    }

    /// Notes that a message has uploads of its author's. Those that are being deleted, as the message was meanwhile, stay so.
    pub async fn attach(
        self,
        message: MessageId,
        author: UserId,
        uploads: &[UploadId],
        now: Timestamp,
    ) -> Result<(), Fault> {
        let ready = doc! { "_id": { "$in": names(uploads) }, "owner": author.0, "state": UploadState::Ready.as_str() };
        let change = attached(&message.to_string(), now);
        let updated = self.collection().update_many(ready, change).await.map_err(store_fault)?;
        match u32::try_from(updated.modified_count) {
            Ok(0) | Err(_) => Ok(()),
            Ok(count) => Usages(self.0).close(author, count).await,
        }
    }

    /// Claims those that are free, and answers how many.
    async fn take(self, claim: &UploadClaim, now: Timestamp) -> Result<usize, Fault> {
        let mut free = claim.theirs();
        free.extend(doc! {
            "state": UploadState::Ready.as_str(), "purpose": Purpose::Message.as_str(),
            "$or": [{ "claim": { "$exists": false } }, { "claim.key": &claim.key }],
        });
        let taken = doc! { "key": &claim.key, "op": claim.op, "at": date(now) };
        let take = doc! { "$set": { "claim": taken, "due_at": date(now.plus(CLAIM_HOLDS)) } };
        let updated = self.collection().update_many(free, take).write_concern(w1()).await.map_err(store_fault)?;
        usize::try_from(updated.matched_count).map_err(Fault::internal)
    }

    /// As the primary has them, which is what a claim sees.
    async fn list_candidates(self, claim: &UploadClaim) -> Result<HashMap<UploadId, Candidate>, Fault> {
        let uploads = self.collection();
        let theirs = uploads.find(claim.theirs()).batch_size(one_batch(claim.uploads.len()));
        let theirs = theirs.read_concern(ReadConcern::local());
        let rows: Vec<UploadDocument> = async { theirs.await?.try_collect().await }.await.map_err(store_fault)?;
        let candidate = |row: UploadDocument| {
            let is_claimed = row.claim.as_ref().is_some_and(|other| other.key != claim.key);
            (row.id, Candidate { upload: row.into(), is_claimed })
        };
        Ok(rows.into_iter().map(candidate).collect())
    }
}

fn names(uploads: &[UploadId]) -> Vec<String> {
    uploads.iter().map(UploadId::to_string).collect()
}

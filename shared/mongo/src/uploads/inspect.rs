use super::{Uploads, document::bson};
use crate::{fault::store_fault, messages::date, one_batch, schema::UPLOADS};
use domain::{Fault, Media, Rejection, Timestamp, UNATTACHED_FOR, Upload, UploadId, UploadState};
use futures_util::TryStreamExt as _;
use mongodb::{
    bson::{Bson, doc, oid::ObjectId},
    options::ReturnDocument,
};
use serde::Deserialize;
use std::time::Duration;

/// How long an inspection may take.
const LEASE_HOLDS: Duration = Duration::from_secs(75);
/// How often an inspection is begun.
const MOST_ATTEMPTS: i64 = 3;
/// How long a refused upload is kept, for its owner to learn why.
const REJECTED_FOR: Duration = Duration::from_hours(1);

/// An upload that nobody else inspects meanwhile.
#[derive(Debug)]
pub struct Lease {
    /// The upload.
    pub upload: Upload,
    op: ObjectId,
}

/// What became of asking for an inspection.
#[derive(Debug)]
pub enum Leased {
    /// Whoever asked inspects it.
    Mine(Box<Lease>),
    /// It is refused, since its inspection has died or failed too often.
    GivenUp(Box<Upload>),
    /// There is nothing to inspect, or somebody else does.
    Not,
}

/// What an inspection came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inspection {
    /// It may be attached.
    Ready {
        /// What is known of it.
        media: Media,
        /// The keys of the objects that were written.
        objects: Vec<String>,
    },
    /// It is refused.
    Rejected(Rejection),
}

impl Uploads<'_> {
    /// Takes an upload that has arrived for inspection, for 75 s. After three that came to nothing it is refused.
    pub async fn lease(self, id: UploadId, now: Timestamp) -> Result<Leased, Fault> {
        let op = ObjectId::new();
        let waiting = doc! {
            "_id": id.to_string(),
            "state": UploadState::Uploaded.as_str(),
            "$or": [{ "lease": { "$exists": false } }, { "lease.until": { "$lte": date(now) } }],
        };
        let until = date(now.plus(LEASE_HOLDS));
        let last_time = |then: Bson, otherwise: Bson| {
            doc! { "$cond": [{ "$gte": ["$attempts", MOST_ATTEMPTS] }, then, otherwise] }
        };
        let change = vec![doc! { "$set": {
            "state": last_time(UploadState::Rejected.as_str().into(), UploadState::Uploaded.as_str().into()),
            "reason": last_time(Rejection::InspectionFailed.as_str().into(), "$$REMOVE".into()),
            "lease": last_time("$$REMOVE".into(), doc! { "op": op, "until": until }.into()),
            "attempts": { "$add": ["$attempts", 1] },
            "moved_at": last_time(date(now).into(), "$moved_at".into()),
            "due_at": last_time(date(now.plus(REJECTED_FOR)).into(), until.into()),
        } }];
        let leased =
            self.collection().find_one_and_update(waiting, change).return_document(ReturnDocument::After).await;
        Ok(match leased.map_err(store_fault)?.map(Upload::from) {
            None => Leased::Not,
            Some(upload) if upload.state == UploadState::Rejected => Leased::GivenUp(Box::new(upload)),
            Some(upload) => Leased::Mine(Box::new(Lease { upload, op })),
        })
    }

    /// Notes what an inspection came to, and answers the upload as it is since then; none if the lease ended, or the upload was
    /// deleted meanwhile.
    pub async fn finish(self, lease: &Lease, inspection: &Inspection, now: Timestamp) -> Result<Option<Upload>, Fault> {
        let mine = doc! {
            "_id": lease.upload.id.to_string(),
            "state": UploadState::Uploaded.as_str(),
            "lease.op": lease.op,
        };
        let mut set = doc! { "moved_at": date(now) };
        set.extend(match inspection {
            Inspection::Ready { media, objects } => doc! {
                "state": UploadState::Ready.as_str(),
                "media": bson(media)?,
                "objects": objects,
                "due_at": date(now.plus(UNATTACHED_FOR)),
            },
            Inspection::Rejected(reason) => doc! {
                "state": UploadState::Rejected.as_str(),
                "reason": reason.as_str(),
                "due_at": date(now.plus(REJECTED_FOR)),
            },
        });
        let change = doc! { "$set": set, "$unset": { "lease": "" } };
        let finished = self.collection().find_one_and_update(mine, change).return_document(ReturnDocument::After).await;
        Ok(finished.map_err(store_fault)?.map(Upload::from))
    }

    /// Uploads whose inspection was not begun, or has died, the longest waiting first.
    pub async fn list_uninspected(self, now: Timestamp, limit: u16) -> Result<Vec<UploadId>, Fault> {
        #[derive(Deserialize)]
        struct Row {
            #[serde(rename = "_id")]
            id: UploadId,
        }
        let due = doc! { "due_at": { "$lte": date(now) }, "state": UploadState::Uploaded.as_str() };
        let uploads = self.0.collection::<Row>(UPLOADS);
        let due = uploads.find(due).sort(doc! { "due_at": 1 }).projection(doc! { "_id": 1 });
        let due = due.limit(limit.into()).batch_size(one_batch(limit.into()));
        let rows: Vec<_> = async { due.await?.try_collect().await }.await.map_err(store_fault)?;
        Ok(rows.into_iter().map(|row| row.id).collect())
    }
}

use super::{
    Uploads,
    create::EVENT_HAS,
    document::{UploadDocument, bson, words},
};
use crate::{fault::store_fault, messages::date, one_batch, schema::UPLOADS};
use domain::{
    Fault, MalwareScan, Media, Rejection, ScanResult, Timestamp, UNATTACHED_FOR, Upload, UploadId, UploadState,
};
use futures_util::TryStreamExt as _;
use mongodb::{
    bson::{Bson, Document, doc, oid::ObjectId},
    options::ReturnDocument,
};
use serde::Deserialize;
use std::time::Duration;

/// How long an inspection may take.
const LEASE_HOLDS: Duration = Duration::from_secs(75);
/// How often an inspection is begun.
const MOST_ATTEMPTS: i64 = 3;
/// How long a scan for malware may take.
const SCAN_HAS: Duration = Duration::from_mins(15);
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
    /// It is refused uninspected.
    Refused(Box<Upload>, Refusal),
    /// There is nothing to inspect, somebody else does, or its scan is not over.
    Not,
}

/// Why an upload is refused uninspected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// A scan found malware.
    Malware,
    /// It can't be scanned.
    ScanFailed,
    /// No scan came to an end in time.
    NoScan,
    /// Its inspection has died or failed too often.
    GivenUp,
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
    /// Notes what a scan for malware found in the bytes with this `ETag`, whether they are known to have arrived or not; `false` if
    /// it changes nothing. The first result stands, but malware always counts.
    pub async fn note_scan(self, id: UploadId, etag: &str, result: ScanResult, now: Timestamp) -> Result<bool, Fault> {
        let mut scanned = doc! {
            "_id": id.to_string(),
            "state": { "$in": words(&[UploadState::Pending, UploadState::Uploaded]) },
            "etag": { "$in": [null, etag] },
        };
        if result != ScanResult::Malware {
            scanned.insert("scan.etag", doc! { "$ne": etag });
        }
        let is_waiting =
            doc! { "$and": [{ "$eq": ["$state", UploadState::Uploaded.as_str()] }, { "$not": ["$lease"] }] };
        let soon = doc! { "$min": ["$due_at", date(now.plus(EVENT_HAS))] };
        let change = vec![doc! { "$set": {
            "scan": { "etag": { "$literal": etag }, "result": result.as_str() },
            "due_at": { "$cond": [is_waiting, soon, "$due_at"] },
        } }];
        let noted = self.collection().update_one(scanned, change).await.map_err(store_fault)?;
        Ok(noted.matched_count == 1)
    }

    /// Takes an upload that has arrived for inspection, for 75 s; with a scan only once that has found nothing. It is refused for
    /// malware, after a scan that came to nothing, and after three inspections that did.
    pub async fn lease(self, id: UploadId, scan: MalwareScan, now: Timestamp) -> Result<Leased, Fault> {
        let op = ObjectId::new();
        let waiting = doc! {
            "_id": id.to_string(),
            "state": UploadState::Uploaded.as_str(),
            "$or": [{ "lease": { "$exists": false } }, { "lease.until": { "$lte": date(now) } }],
        };
        let change = vec![
            doc! { "$set": { "step": step(scan, now) } },
            doc! { "$set": take_step(op, now) },
            doc! { "$unset": "step" },
        ];
        let leased =
            self.collection().find_one_and_update(waiting, change).return_document(ReturnDocument::After).await;
        let Some(row) = leased.map_err(store_fault)? else { return Ok(Leased::Not) };
        if row.state == UploadState::Rejected {
            let why = refusal(&row, scan);
            return Ok(Leased::Refused(Box::new(row.into()), why));
        }
        let is_mine = row.lease.as_ref().is_some_and(|lease| lease.op == op);
        Ok(if is_mine { Leased::Mine(Box::new(Lease { upload: row.into(), op })) } else { Leased::Not })
    }

    /// Notes what an inspection came to, and answers the upload as it is since then; none if the lease ended, or the upload was
    /// deleted meanwhile, or malware was found in it.
    pub async fn finish(self, lease: &Lease, inspection: &Inspection, now: Timestamp) -> Result<Option<Upload>, Fault> {
        let mine = doc! {
            "_id": lease.upload.id.to_string(),
            "state": UploadState::Uploaded.as_str(),
            "lease.op": lease.op,
            "scan": { "$ne": { "etag": lease.upload.etag.as_deref(), "result": ScanResult::Malware.as_str() } },
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

    /// Uploads whose inspection was not begun, or has died, or whose scan should be over, the longest waiting first.
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

/// What becomes of an upload that nobody inspects: `inspect`, `wait`, or the reason why it is refused.
fn step(scan: MalwareScan, now: Timestamp) -> Document {
    // A scan of other bytes says nothing.
    let result = doc! { "$cond": [{ "$eq": ["$scan.etag", "$etag"] }, "$scan.result", null] };
    let is = |wanted: Bson| doc! { "$eq": [&result, wanted] };
    let refused = |reason: Rejection| Bson::from(reason.as_str());
    let mut branches =
        vec![doc! { "case": is(ScanResult::Malware.as_str().into()), "then": refused(Rejection::Malware) }];
    if scan == MalwareScan::GuardDuty {
        let failed = is(ScanResult::Failed.as_str().into());
        let is_late = doc! { "$lte": ["$moved_at", date(now.minus(SCAN_HAS))] };
        let missing = doc! { "$and": [is(Bson::Null), is_late] };
        branches.push(doc! { "case": failed, "then": refused(Rejection::InspectionFailed) });
        branches.push(doc! { "case": missing, "then": refused(Rejection::InspectionFailed) });
        branches.push(doc! { "case": is(Bson::Null), "then": "wait" });
    }
    let is_given_up = doc! { "$gte": ["$attempts", MOST_ATTEMPTS] };
    branches.push(doc! { "case": is_given_up, "then": refused(Rejection::InspectionFailed) });
    doc! { "$switch": { "branches": branches, "default": "inspect" } }
}

/// The fields after a step.
fn take_step(op: ObjectId, now: Timestamp) -> Document {
    let by_step = |inspected: Bson, waiting: Bson, refused: Bson| {
        let branches = [("inspect", inspected), ("wait", waiting)];
        let branches = branches.map(|(name, then)| doc! { "case": { "$eq": ["$step", name] }, "then": then });
        doc! { "$switch": { "branches": branches, "default": refused } }
    };
    let until = date(now.plus(LEASE_HOLDS));
    let scan_has = i64::try_from(SCAN_HAS.as_millis()).unwrap_or(i64::MAX);
    let (uploaded, rejected) = (UploadState::Uploaded.as_str(), UploadState::Rejected.as_str());
    doc! {
        "state": by_step(uploaded.into(), uploaded.into(), rejected.into()),
        "reason": by_step("$$REMOVE".into(), "$$REMOVE".into(), "$step".into()),
        "lease": by_step(doc! { "op": op, "until": until }.into(), "$$REMOVE".into(), "$$REMOVE".into()),
        "attempts": by_step(doc! { "$add": ["$attempts", 1] }.into(), "$attempts".into(), "$attempts".into()),
        "moved_at": by_step("$moved_at".into(), "$moved_at".into(), date(now).into()),
        "due_at": by_step(
            until.into(),
            doc! { "$add": ["$moved_at", scan_has] }.into(),
            date(now.plus(REJECTED_FOR)).into(),
        ),
    }
}

/// Why a row was refused.
fn refusal(row: &UploadDocument, scan: MalwareScan) -> Refusal {
    let of_these = row.scan.as_ref().filter(|scan| Some(&scan.etag) == row.etag.as_ref());
    match (of_these.map(|scan| scan.result), scan) {
        (Some(ScanResult::Malware), _) => Refusal::Malware,
        (Some(ScanResult::Failed), MalwareScan::GuardDuty) => Refusal::ScanFailed,
        (None, MalwareScan::GuardDuty) => Refusal::NoScan,
        _ => Refusal::GivenUp,
    }
}

use crate::messages::date;
use domain::{
    Fault, Media, Purpose, Rejection, ScanResult, Timestamp, UNATTACHED_FOR, Upload, UploadId, UploadKind, UploadState,
    UserId,
};
use mongodb::bson::{Bson, DateTime, Document, doc, oid::ObjectId, serialize_to_bson};
use serde::{Deserialize, Serialize};

/// The document of the collection `uploads`. Not `Debug`: a file's name never reaches a log.
#[derive(Serialize, Deserialize)]
pub(crate) struct UploadDocument {
    #[serde(rename = "_id")]
    pub(super) id: UploadId,
    pub(super) owner: UserId,
    pub(super) client_id: String,
    pub(super) purpose: Purpose,
    pub(super) kind: UploadKind,
    pub(super) name: String,
    pub(super) size: u64,
    #[serde(rename = "type")]
    pub(super) declared_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sha256: Option<String>,
    /// The store's name of the parts that it comes in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) multipart: Option<String>,
    pub(super) state: UploadState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<Rejection>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) etag: Option<String>,
    /// What a scan for malware came to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) scan: Option<ScanDocument>,
    /// Who inspects it at the moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) lease: Option<LeaseDocument>,
    /// How often its inspection was begun.
    #[serde(default)]
    pub(super) attempts: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) media: Option<Media>,
    /// The keys of the objects that inspection wrote.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) objects: Vec<String>,
    /// Who is about to take it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) claim: Option<ClaimDocument>,
    /// What has taken it: the id of a message, `user:3` or `group:7`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) holder: Option<String>,
    pub(super) created_at: DateTime,
    /// When its state last changed.
    pub(super) moved_at: DateTime,
    /// When somebody must look at it; none once it is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) due_at: Option<DateTime>,
    /// How often its objects were deleted.
    #[serde(default)]
    pub(super) passes: u32,
}

/// What a scan for malware came to. It may be told before the bytes are known to have arrived.
#[derive(Serialize, Deserialize)]
pub(super) struct ScanDocument {
    /// Which bytes were scanned.
    pub(super) etag: String,
    pub(super) result: ScanResult,
}

/// That somebody inspects an upload.
#[derive(Serialize, Deserialize)]
pub(super) struct LeaseDocument {
    pub(super) op: ObjectId,
    pub(super) until: DateTime,
}

/// That somebody is about to take an upload.
#[derive(Serialize, Deserialize)]
pub(super) struct ClaimDocument {
    /// What for, the same for every attempt.
    pub(super) key: String,
    /// Which attempt.
    pub(super) op: ObjectId,
    pub(super) at: DateTime,
}

impl From<UploadDocument> for Upload {
    fn from(row: UploadDocument) -> Self {
        Self {
            id: row.id,
            owner: row.owner,
            purpose: row.purpose,
            kind: row.kind,
            name: row.name,
            size: row.size,
            declared_type: row.declared_type,
            sha256: row.sha256,
            multipart: row.multipart,
            state: row.state,
            reason: row.reason,
            etag: row.etag,
            media: row.media,
            objects: row.objects,
            created_at: moment(row.created_at),
            due_at: row.due_at.map(moment),
        }
    }
}

/// The states of uploads that nothing has taken yet, which count as open.
pub(super) const OPEN: [UploadState; 4] =
    [UploadState::Pending, UploadState::Uploaded, UploadState::Ready, UploadState::Rejected];

/// The words of some states.
pub(super) fn words(states: &[UploadState]) -> Vec<&'static str> {
    states.iter().copied().map(UploadState::as_str).collect()
}

/// The change that makes an upload the holder's.
pub(super) fn attached(holder: &str, now: Timestamp) -> Document {
    doc! {
        "$set": { "state": UploadState::Attached.as_str(), "holder": holder, "moved_at": date(now) },
        "$unset": { "claim": "", "due_at": "", "lease": "" },
    }
}

/// The change that lets go of a claim: from then on the upload ends when it would have ended without one.
pub(super) fn unclaimed() -> Vec<Document> {
    let kept = i64::try_from(UNATTACHED_FOR.as_millis()).unwrap_or(i64::MAX);
    vec![doc! { "$set": { "claim": "$$REMOVE", "due_at": { "$add": ["$moved_at", kept] } } }]
}

pub(super) fn moment(at: DateTime) -> Timestamp {
    Timestamp::from_millis(at.timestamp_millis())
}

pub(super) fn bson<T: Serialize>(value: &T) -> Result<Bson, Fault> {
    serialize_to_bson(value).map_err(Fault::internal)
}

/// A number of bytes as it lies in the store.
pub(super) fn bytes(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

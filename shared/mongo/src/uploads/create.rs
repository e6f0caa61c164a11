use super::{
    Uploads,
    document::{UploadDocument, bytes},
};
use crate::{
    fault::{is_duplicate_key, store_fault},
    messages::date,
};
use domain::{Fault, Sha256, Timestamp, UNATTACHED_FOR, Upload, UploadDraft, UploadId, UploadState, UserId};
use mongodb::{bson::doc, options::ReturnDocument};
use std::time::Duration;

/// How long after a file arrived, or was scanned, its inspection is begun if the event was lost.
pub(super) const EVENT_HAS: Duration = Duration::from_secs(30);

/// An upload that is about to be created.
#[derive(Debug)]
pub struct NewUpload<'a> {
    /// Its id.
    pub id: UploadId,
    /// Whose it is.
    pub owner: UserId,
    /// What was asked for.
    pub draft: &'a UploadDraft,
    /// When.
    pub at: Timestamp,
}

impl Uploads<'_> {
    /// Creates an upload whose bytes are awaited; none if its owner has used its `client_id` for another one. Its place in the
    /// owner's quota is reserved before.
    pub async fn insert(self, new: &NewUpload<'_>) -> Result<Option<Upload>, Fault> {
        let NewUpload { id, owner, draft, at } = *new;
        let row = UploadDocument {
            id,
            owner,
            client_id: draft.client_id.as_str().to_owned(),
            purpose: draft.purpose,
            kind: draft.kind,
            name: draft.name.as_str().to_owned(),
            size: draft.size,
            declared_type: draft.media_type.as_str().to_owned(),
            sha256: draft.sha256.as_ref().map(Sha256::as_str).map(str::to_owned),
            multipart: None,
            state: UploadState::Pending,
            reason: None,
            etag: None,
            scan: None,
            lease: None,
            attempts: 0,
            media: None,
            objects: Vec::new(),
            claim: None,
            holder: None,
            created_at: date(at),
            moved_at: date(at),
            due_at: Some(date(at.plus(UNATTACHED_FOR))),
            passes: 0,
        };
        match self.collection().insert_one(&row).await {
            Ok(_) => Ok(Some(row.into())),
            Err(error) if is_duplicate_key(&error) => Ok(None),
            Err(error) => Err(store_fault(error)),
        }
    }

    /// Notes the store's name of the parts of an upload, and answers the one that counts: of two that were begun at once the
    /// first. None if it is awaited no more.
    pub async fn note_multipart(self, id: UploadId, multipart: &str) -> Result<Option<String>, Fault> {
        let awaited = doc! { "_id": id.to_string(), "state": UploadState::Pending.as_str() };
        let change = vec![doc! { "$set": { "multipart": { "$ifNull": ["$multipart", { "$literal": multipart }] } } }];
        let noted = self.collection().find_one_and_update(awaited, change).return_document(ReturnDocument::After).await;
        Ok(noted.map_err(store_fault)?.and_then(|row| row.multipart))
    }

    /// Notes that the bytes of an upload have arrived, as many as were declared; none if they are awaited no more.
    pub async fn arrive(self, id: UploadId, size: u64, etag: &str, now: Timestamp) -> Result<Option<Upload>, Fault> {
        let awaited = doc! { "_id": id.to_string(), "state": UploadState::Pending.as_str(), "size": bytes(size) };
        let change = doc! { "$set": {
            "state": UploadState::Uploaded.as_str(),
            "etag": etag,
            "moved_at": date(now),
            "due_at": date(now.plus(EVENT_HAS)),
        } };
        let arrived =
            self.collection().find_one_and_update(awaited, change).return_document(ReturnDocument::After).await;
        Ok(arrived.map_err(store_fault)?.map(Upload::from))
    }
}

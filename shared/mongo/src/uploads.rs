//! The repository of uploads: finding them. What each step of an upload writes has a file of its own.

mod audit;
mod claim;
mod create;
mod document;
mod end;
mod inspect;
mod pictures;
mod usage;

pub use audit::{AuditedUpload, FilesAudit};
pub use claim::{Candidate, Claimed, UploadClaim};
pub use create::NewUpload;
pub use end::{Due, Ended, Purge};
pub use inspect::{Inspection, Lease, Leased, Refusal};
pub use pictures::{ClaimedPicture, PictureOf};
pub use usage::{Recounted, Usages};

use crate::{Mongo, fault::store_fault, schema::UPLOADS};
use document::UploadDocument;
use domain::{ClientId, Fault, Upload, UploadId, UploadState, UserId};
use mongodb::{
    Collection,
    bson::{Document, doc},
};

/// The repository of `uploads`: each file from its creation until its bytes are gone.
///
/// Every write is a compare-and-set of one row. `due_at` says when somebody must look at a row again.
#[derive(Debug, Clone, Copy)]
pub struct Uploads<'a>(pub(crate) &'a Mongo);

impl Uploads<'_> {
    fn collection(self) -> Collection<UploadDocument> {
        self.0.collection(UPLOADS)
    }

    /// An upload, whoever's it is.
    pub async fn find(self, id: UploadId) -> Result<Option<Upload>, Fault> {
        self.find_one(doc! { "_id": id.to_string() }).await
    }

    /// An upload of a person's that is not being deleted.
    pub async fn find_own(self, owner: UserId, id: UploadId) -> Result<Option<Upload>, Fault> {
        let gone = UploadState::Deleting.as_str();
        self.find_one(doc! { "_id": id.to_string(), "owner": owner.0, "state": { "$ne": gone } }).await
    }

    /// The upload that its owner named so.
    pub async fn find_by_client_id(self, owner: UserId, client_id: &ClientId) -> Result<Option<Upload>, Fault> {
        self.find_one(doc! { "owner": owner.0, "client_id": client_id.as_str() }).await
    }

    async fn find_one(self, filter: Document) -> Result<Option<Upload>, Fault> {
        let found = self.collection().find_one(filter).await;
        Ok(found.map_err(store_fault)?.map(Upload::from))
    }
}

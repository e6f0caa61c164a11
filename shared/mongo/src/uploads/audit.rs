//! What is compared once a day: the objects that there are, and those that uploads name.

use super::{Uploads, document::moment};
use crate::{
    fault::store_fault,
    messages::date,
    one_batch,
    schema::{SCHEMA, UPLOADS},
};
use domain::{Fault, Timestamp, UploadId, UploadState};
use futures_util::TryStreamExt as _;
use mongodb::bson::{DateTime, Document, doc};
use serde::Deserialize;

/// The document of the state, beside that of the schema's version.
const STATE: &str = "files_audit";

/// How far the comparison has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilesAudit {
    /// The upload behind which it goes on; none if it begins.
    pub after: Option<String>,
    /// When it goes on.
    pub due_at: Timestamp,
}

/// What an upload says of its objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditedUpload {
    /// The upload.
    pub id: UploadId,
    /// How far it is.
    pub state: UploadState,
    /// When its state last changed.
    pub moved_at: Timestamp,
    /// The keys of the objects that it has.
    pub objects: Vec<String>,
}

impl Uploads<'_> {
    /// How far the comparison has come.
    pub async fn find_audit(self) -> Result<FilesAudit, Fault> {
        #[derive(Deserialize)]
        struct Row {
            after: Option<String>,
            due_at: DateTime,
        }
        let found = self.0.collection::<Row>(SCHEMA).find_one(doc! { "_id": STATE }).await.map_err(store_fault)?;
        let audit = found.map(|row| FilesAudit { after: row.after, due_at: moment(row.due_at) });
        Ok(audit.unwrap_or(FilesAudit { after: None, due_at: Timestamp::from_millis(0) }))
    }

    /// Notes how far the comparison has come.
    pub async fn note_audit(self, audit: &FilesAudit) -> Result<(), Fault> {
        let note = doc! { "$set": { "after": audit.after.as_deref(), "due_at": date(audit.due_at) } };
        let state = self.0.documents(SCHEMA);
        state.update_one(doc! { "_id": STATE }, note).upsert(true).await.map_err(store_fault)?;
        Ok(())
    }

    /// Uploads behind an id, by id, up to another one where it is given.
    pub async fn list_range(
        self,
        after: Option<&str>,
        through: Option<&str>,
        limit: u16,
    ) -> Result<Vec<AuditedUpload>, Fault> {
        #[derive(Deserialize)]
        struct Row {
            #[serde(rename = "_id")]
            id: UploadId,
            state: UploadState,
            moved_at: DateTime,
            #[serde(default)]
            objects: Vec<String>,
        }
        let mut range = Document::new();
        range.extend(after.map(|id| ("$gt".to_owned(), id.into())));
        range.extend(through.map(|id| ("$lte".to_owned(), id.into())));
        let filter = if range.is_empty() {
            doc! {}
        } else {
            doc! { "_id": range }
        };
        let uploads = self.0.collection::<Row>(UPLOADS);
        let some =
            uploads.find(filter).sort(doc! { "_id": 1 }).projection(doc! { "state": 1, "moved_at": 1, "objects": 1 });
        let some = some.limit(limit.into()).batch_size(one_batch(limit.into()));
        let rows: Vec<_> = async { some.await?.try_collect().await }.await.map_err(store_fault)?;
        let each = rows.into_iter().map(|Row { id, state, moved_at, objects }| {
            let moved_at = moment(moved_at);
            AuditedUpload { id, state, moved_at, objects }
        });
        Ok(each.collect())
    }
}

use crate::{Files, fault::fault};
use aws_sdk_s3::{
    error::BuildError,
    types::{Delete, ObjectIdentifier},
};
use domain::{Fault, Timestamp, UploadId};

/// How many objects S3 deletes at once.
const MOST_KEYS: usize = 1_000;

impl Files {
    /// Deletes objects of `FilesBucket`; those that are gone already are none to S3.
    pub async fn delete(&self, keys: &[String]) -> Result<(), Fault> {
        for keys in keys.chunks(MOST_KEYS) {
            let delete =
                self.client.delete_objects().bucket(&*self.kept).delete(objects(keys).map_err(Fault::internal)?);
            let deleted = Box::pin(delete.send()).await.map_err(|error| fault("delete files", &error))?;
            if let Some(error) = deleted.errors().first() {
                return Err(Fault::unavailable(format!(
                    "could not delete a file: {}",
                    error.code().unwrap_or("unknown")
                )));
            }
        }
        Ok(())
    }

    /// Deletes what has arrived of an upload.
    pub async fn delete_upload(&self, id: UploadId) -> Result<(), Fault> {
        let delete = self.client.delete_object().bucket(&*self.uploads).key(id.to_string());
        Box::pin(delete.send()).await.map_err(|error| fault("delete an upload", &error))?;
        Ok(())
    }

    /// The next objects of `FilesBucket` after a key, in the order of their keys, with the time of their last write.
    pub async fn page_of_files(&self, after: Option<&str>, limit: u16) -> Result<Vec<(String, Timestamp)>, Fault> {
        let list = self.client.list_objects_v2().bucket(&*self.kept).max_keys(limit.into());
        let page = Box::pin(list.set_start_after(after.map(str::to_owned)).send()).await;
        let page = page.map_err(|error| fault("list files", &error))?;
        let objects = page.contents.unwrap_or_default().into_iter();
        let dated = objects.filter_map(|object| {
            let millis = object.last_modified?.to_millis().ok()?;
            Some((object.key?, Timestamp::from_millis(millis)))
        });
        Ok(dated.collect())
    }
}

fn objects(keys: &[String]) -> Result<Delete, BuildError> {
    let objects: Result<Vec<_>, _> = keys.iter().map(|key| ObjectIdentifier::builder().key(key).build()).collect();
    Delete::builder().set_objects(Some(objects?)).quiet(true).build()
}

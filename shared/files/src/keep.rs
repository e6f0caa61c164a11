use crate::{
    Files, Headers,
    fault::{fault, has_status, is},
    quoted,
};
use aws_sdk_s3::{primitives::ByteStream, types::MetadataDirective};
use domain::{Fault, UploadId};
use std::path::Path;

/// What is kept never changes, and is for one person's cache alone.
const CACHE: &str = "private, max-age=86400, immutable";

impl Files {
    /// Keeps a file under `{id}/original`, `{id}/small` or `{id}/large`. The same again changes nothing.
    pub async fn keep(&self, key: &str, from: &Path, headers: &Headers) -> Result<(), Fault> {
        let body = ByteStream::from_path(from).await.map_err(Fault::internal)?;
        let put = self.transfers.put_object().bucket(&*self.kept).key(key).body(body).cache_control(CACHE);
        let put = put.content_type(&headers.media_type).content_disposition(headers.disposition());
        Box::pin(put.send()).await.map_err(|error| fault("keep a file", &error))?;
        Ok(())
    }

    /// Keeps what has arrived of an upload as it is; false if there is nothing any more, or another content.
    pub async fn keep_copy(&self, id: UploadId, etag: &str, key: &str, headers: &Headers) -> Result<bool, Fault> {
        let copy = self.transfers.copy_object().bucket(&*self.kept).key(key).cache_control(CACHE);
        let copy = copy.copy_source(format!("{}/{id}", self.uploads)).copy_source_if_match(quoted(etag));
        let copy = copy.metadata_directive(MetadataDirective::Replace).content_type(&headers.media_type);
        match Box::pin(copy.content_disposition(headers.disposition()).send()).await {
            Ok(_) => Ok(true),
            Err(error) if is(&error, &["NoSuchKey"]) || has_status(&error, 412) => Ok(false),
            Err(error) => Err(fault("copy an upload", &error)),
        }
    }
}

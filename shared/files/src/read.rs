use crate::{
    Files,
    fault::{fault, has_status, is},
    quoted, unquoted,
};
use aws_sdk_s3::{operation::get_object::GetObjectOutput, primitives::ByteStream};
use domain::{Fault, UploadId};
use std::path::Path;
use tokio::{fs::File, io::AsyncWriteExt as _};

/// A file as it has arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// In bytes.
    pub size: u64,
    /// What S3 names this content.
    pub etag: String,
}

impl Files {
    /// What has arrived of an upload, if anything.
    pub async fn arrived(&self, id: UploadId) -> Result<Option<Stored>, Fault> {
        let head = self.client.head_object().bucket(&*self.uploads).key(id.to_string());
        match Box::pin(head.send()).await {
            Ok(found) => {
                let size = found.content_length.and_then(|size| size.try_into().ok());
                let size = size.ok_or_else(|| Fault::internal("S3 told no size"))?;
                Ok(Some(Stored { size, etag: unquoted(found.e_tag()) }))
            }
            Err(error) if has_status(&error, 404) => Ok(None),
            Err(error) => Err(fault("look at an upload", &error)),
        }
    }

    /// Writes what has arrived of an upload to a file; false if there is nothing any more, or another content.
    pub async fn fetch(&self, id: UploadId, etag: &str, to: &Path) -> Result<bool, Fault> {
        let Some(found) = self.get(id, etag, None).await? else { return Ok(false) };
        let mut body = found.body;
        let mut file = File::create(to).await.map_err(Fault::internal)?;
        while let Some(bytes) = body.next().await {
            file.write_all(&bytes.map_err(broken)?).await.map_err(Fault::internal)?;
        }
        file.flush().await.map_err(Fault::internal)?;
        Ok(true)
    }

    /// The first bytes of what has arrived of an upload, at most this many; none if there is nothing any more, or another content.
    pub async fn beginning(&self, id: UploadId, etag: &str, bytes: u64) -> Result<Option<Vec<u8>>, Fault> {
        let range = format!("bytes=0-{}", bytes.saturating_sub(1));
        let Some(found) = self.get(id, etag, Some(range)).await? else { return Ok(None) };
        Ok(Some(ByteStream::collect(found.body).await.map_err(broken)?.to_vec()))
    }

    async fn get(&self, id: UploadId, etag: &str, range: Option<String>) -> Result<Option<GetObjectOutput>, Fault> {
        let get = self.transfers.get_object().bucket(&*self.uploads).key(id.to_string());
        match Box::pin(get.if_match(quoted(etag)).set_range(range).send()).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if is(&error, &["NoSuchKey"]) || has_status(&error, 412) => Ok(None),
            Err(error) => Err(fault("read an upload", &error)),
        }
    }
}

/// A body that ended early.
fn broken(error: aws_sdk_s3::primitives::ByteStreamError) -> Fault {
    Fault::unavailable(error)
}

use crate::{Inspection, folder::Folder};
use domain::{Fault, Media, Purpose, Rejection, Upload, UploadKind};
use files::Headers;
use futures_util::future::{try_join, try_join_all};
use media::Inspector;
use mongo::Inspection as Outcome;
use std::path::Path;
use tokio::fs;

/// How much of a file of the kind `file` is looked at.
const HEAD: u64 = 64 * 1_024;

/// What every file of the kind `file` is served as, whatever it is.
const ANYTHING: &str = "application/octet-stream";

impl Inspection {
    /// Looks at the bytes of an upload, and keeps what others may have of them. A fault says nothing of the upload.
    pub(crate) async fn examine(&self, upload: &Upload) -> Result<Outcome, Fault> {
        let folder = Folder::new().map_err(Fault::internal)?;
        let path = folder.path().join("file");
        let etag = upload.etag.as_deref().ok_or_else(|| Fault::internal("an upload that arrived has no ETag"))?;
        if upload.kind == UploadKind::File {
            return self.examine_file(upload, etag, &path).await;
        }
        if !self.files.fetch(upload.id, etag, &path).await? {
            return Err(gone());
        }
        let media = match self.look(upload, &path).await? {
            Ok(media) => media,
            Err(why) => return Ok(Outcome::Rejected(why)),
        };
        let variants = media.variants.iter().map(async |variant| {
            let (key, from) = (upload.id.variant_key(variant.name), Inspector::variant_path(&path, variant.name));
            let headers = Headers { media_type: variant.media_type.clone(), file_name: None };
            self.files.keep(&key, &from, &headers).await.map(|()| key)
        });
        let original = async {
            // Of a profile's or a group's picture only the squares are kept.
            if upload.purpose != Purpose::Message {
                return Ok(None);
            }
            let key = upload.id.original_key();
            self.files.keep(&key, &path, &attachment(&media.media_type, upload)).await?;
            Ok(Some(key))
        };
        let (original, variants) = try_join(original, try_join_all(variants)).await?;
        Ok(Outcome::Ready { media, objects: original.into_iter().chain(variants).collect() })
    }

    /// Files that are only downloaded are copied as they are.
    async fn examine_file(&self, upload: &Upload, etag: &str, path: &Path) -> Result<Outcome, Fault> {
        let head = self.files.beginning(upload.id, etag, HEAD).await?.ok_or_else(gone)?;
        fs::write(path, head).await.map_err(Fault::internal)?;
        let media = match self.look(upload, path).await? {
            Ok(media) => Media { size: upload.size, ..media },
            Err(why) => return Ok(Outcome::Rejected(why)),
        };
        let key = upload.id.original_key();
        if !self.files.keep_copy(upload.id, etag, &key, &attachment(ANYTHING, upload)).await? {
            return Err(gone());
        }
        Ok(Outcome::Ready { media, objects: vec![key] })
    }

    async fn look(&self, upload: &Upload, path: &Path) -> Result<Result<Media, Rejection>, Fault> {
        self.inspector.look(upload.kind, upload.purpose, path).await.map_err(Fault::internal)
    }
}

fn attachment(media_type: &str, upload: &Upload) -> Headers {
    Headers { media_type: media_type.to_owned(), file_name: Some(upload.name.clone()) }
}

fn gone() -> Fault {
    Fault::internal("the bytes of an upload that arrived are gone")
}

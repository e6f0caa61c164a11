use crate::Projector;
use domain::{Code, Fault, Invalid, OrLog as _, Picture, UploadId, UserId};
use mongo::{ClaimedPicture, PictureOf};
use std::time::Duration;

/// When a picture may be inspected that is not yet.
const INSPECTED_AFTER: Duration = Duration::from_secs(2);

impl Projector {
    /// Claims an upload of a person's as a picture to show, or says why not.
    pub async fn claim_picture(&self, of: PictureOf, owner: UserId, upload: UploadId) -> Result<Picture, Fault> {
        let refused = |reason| Err(Fault::field("upload_id", reason));
        match self.mongo.uploads().claim_picture(of, owner, upload, self.clock.now()).await? {
            ClaimedPicture::Done(picture) => Ok(picture),
            ClaimedPicture::NotReady => {
                Err(Fault { retry_after: Some(INSPECTED_AFTER), ..Code::UploadNotReady.into() })
            }
            ClaimedPicture::Taken => Err(Code::UploadTaken.into()),
            ClaimedPicture::Unsupported => refused(Invalid::Unsupported),
            ClaimedPicture::NotFound => refused(Invalid::NotFound),
        }
    }

    /// Notes which picture is shown instead of which other. What fails here is found by the sweep of files.
    pub async fn replace_picture(&self, of: PictureOf, shown: Option<UploadId>, before: Option<UploadId>) {
        let (uploads, now) = (self.mongo.uploads(), self.clock.now());
        if let Some(shown) = shown {
            uploads.keep_picture(of, shown, now).await.or_log("keep a picture");
        }
        if let Some(before) = before.filter(|before| Some(*before) != shown) {
            uploads.end_picture(of, before, now).await.or_log("delete a picture");
        }
    }
}

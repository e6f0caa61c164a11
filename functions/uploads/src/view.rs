use crate::{App, parts};
use contract::{SignedRequest, UploadView};
use domain::{Fault, Upload, UploadState};
use files::Request;

/// An upload as its owner sees it, with how to send what is awaited.
pub(crate) async fn view(app: &App, upload: Upload) -> Result<UploadView, Fault> {
    let (mut put, mut received) = (None, None);
    if upload.state == UploadState::Pending {
        match &upload.sha256 {
            Some(sha256) => {
                let request = app.files.put_link(upload.id, upload.size, sha256, app.clock.now()).await?;
                put = Some(signed(request));
            }
            None => received = Some(parts::list_received(app, &upload).await?),
        }
    }
    Ok(UploadView { put, received, ..UploadView::of(upload) })
}

pub(crate) fn signed(request: Request) -> SignedRequest {
    let Request { method, url, headers, expires_at } = request;
    SignedRequest { method, url, headers: headers.into_iter().collect(), expires_at }
}

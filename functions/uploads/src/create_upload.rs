use crate::{App, view::view};
use axum::extract::State;
use contract::{NewUpload, UploadView};
use domain::{Code, Fault, Sha256, Upload, UploadDraft, UploadId, UserId};
use mongo::{Bucket, NewUpload as NewRow};
use tracing::instrument;
use web::{ApiResult, Bearer, BodyProblems, CallerProblems, Json, MadeOrFound, StoreProblems};

web::problems!(CreateProblems: QuotaExceeded, ClientIdReused);

/// Begins to upload a file.
///
/// A file of at most 16 MiB is sent by the request `put`, with exactly these headers and bytes. If the answer to that request gets
/// lost, repeat it: 412 means that the file has arrived, 409 that it is to be repeated once more. A larger file comes in `parts`, for
/// which `POST /uploads/{id}/parts` brings requests. Then ask `POST /uploads/{id}/complete`.
///
/// The file is inspected, which mostly takes less than a second, and a frame `upload.ready` or `upload.rejected` follows. Whatever
/// tells where and by whom a picture or video was made is taken out, and so it is of a voice note in MP4 or WebM. Other voice notes
/// (Ogg, MP3, AAC, WAV) and each `file` stay as they are.
///
/// What nothing takes is deleted after a day. A person has at most 50 uploads that nothing has taken, unless the service says
/// otherwise. A request with the same `client_id` is answered with the same upload.
#[utoipa::path(
    post, path = "/uploads", operation_id = "create_upload", tag = "uploads", security(("bearer" = [])),
    request_body = NewUpload,
    responses(
        (status = 201, description = "The new upload.", body = UploadView),
        (status = 200, description = "The upload, which was there.", body = UploadView),
        CreateProblems, BodyProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id))]
pub(crate) async fn create_upload(
    State(app): State<App>,
    caller: Bearer,
    Json(new): Json<NewUpload>,
) -> ApiResult<MadeOrFound<UploadView>> {
    let draft = new.parse(&app.upload_limits)?;
    let (passed, earlier) = tokio::join!(
        caller.spend(&app.mongo, Bucket::Uploads, app.limits.uploads),
        app.mongo.uploads().find_by_client_id(caller.id, &draft.client_id),
    );
    passed?;
    Ok(match create(&app, caller.id, &draft, earlier?).await? {
        MadeOrFound::Made(upload) => MadeOrFound::Made(view(&app, upload).await?),
        MadeOrFound::Found(upload) => MadeOrFound::Found(view(&app, upload).await?),
    })
}

/// Reserves before it inserts: who dies in between leaves a count that is too high until the daily sum.
async fn create(
    app: &App,
    owner: UserId,
    draft: &UploadDraft,
    earlier: Option<Upload>,
) -> Result<MadeOrFound<Upload>, Fault> {
    if let Some(earlier) = earlier {
        return Ok(MadeOrFound::Found(same(earlier, draft)?));
    }
    let (uploads, usages, at) = (app.mongo.uploads(), app.mongo.usages(), app.clock.now());
    if !usages.reserve(owner, draft.size, &app.upload_limits, at).await? {
        return Err(Code::QuotaExceeded.into());
    }
    let id = UploadId(app.random.bytes());
    if let Some(made) = uploads.insert(&NewRow { id, owner, draft, at }).await? {
        return Ok(MadeOrFound::Made(made));
    }
    // The same request at the same time was faster.
    usages.take_back(owner, draft.size).await?;
    let earlier = uploads.find_by_client_id(owner, &draft.client_id).await?;
    let earlier = earlier.ok_or_else(|| Fault::unavailable("the upload was deleted meanwhile"))?;
    Ok(MadeOrFound::Found(same(earlier, draft)?))
}

/// The upload, if it is what was asked for.
fn same(upload: Upload, draft: &UploadDraft) -> Result<Upload, Code> {
    let UploadDraft { kind, purpose, name, size, media_type, sha256, client_id: _ } = draft;
    let is_same = (upload.kind, upload.purpose, upload.size) == (*kind, *purpose, *size)
        && upload.name == name.as_str()
        && upload.declared_type == media_type.as_str()
        && upload.sha256.as_deref() == sha256.as_ref().map(Sha256::as_str);
    if is_same { Ok(upload) } else { Err(Code::ClientIdReused) }
}

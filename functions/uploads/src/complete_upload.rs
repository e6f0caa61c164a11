use crate::{App, UploadProblems, parts, view::view};
use axum::extract::State;
use contract::UploadView;
use domain::{Code, Fault, Upload, UploadId, UploadState, UserId};
use tracing::instrument;
use web::{ApiResult, Caller, CallerProblems, Json, Path, StoreProblems};

web::problems!(CompleteProblems: UploadIncomplete);

/// Says that a file has been sent.
///
/// A file in parts becomes whole by it. If parts are missing, `errors` names them: `parts.3` is the third. May be repeated.
#[utoipa::path(
    post, path = "/uploads/{id}/complete", operation_id = "complete_upload", tag = "uploads", security(("bearer" = [])),
    params(("id" = UploadId, Path, description = "The upload's id.", example = "9f2c4d1e8a7b4c3d9e0f112233445566")),
    responses(
        (status = 200, description = "The upload, which is inspected next, or was already.", body = UploadView),
        UploadProblems, CompleteProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id, upload.id = %id))]
pub(crate) async fn complete_upload(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<UploadId>,
) -> ApiResult<Json<UploadView>> {
    let upload = complete(&app, caller.id, id).await?;
    Ok(Json(view(&app, upload).await?))
}

/// Notes that the bytes have arrived, unless the event of the store has done so.
async fn complete(app: &App, owner: UserId, id: UploadId) -> Result<Upload, Fault> {
    let upload = app.find_own(owner, id).await?;
    if upload.state != UploadState::Pending {
        return Ok(upload);
    }
    if upload.sha256.is_none() {
        parts::finish(app, &upload).await?;
    }
    let stored = app.files.arrived(id).await?.ok_or(Code::UploadIncomplete)?;
    let arrived = app.mongo.uploads().arrive(id, stored.size, &stored.etag, app.clock.now()).await?;
    let upload = match arrived {
        Some(upload) => upload,
        None => app.find_own(owner, id).await?,
    };
    if upload.state == UploadState::Pending { Err(Code::UploadIncomplete.into()) } else { Ok(upload) }
}

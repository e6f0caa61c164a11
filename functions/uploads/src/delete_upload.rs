use crate::{App, UploadProblems};
use axum::extract::State;
use domain::{Code, Fault, UploadId, UserId};
use mongo::Ended;
use tracing::instrument;
use web::{ApiResult, Caller, CallerProblems, NoContent, Path, StoreProblems};

web::problems!(DeleteProblems: UploadTaken);

/// Deletes an upload that nothing has taken.
#[utoipa::path(
    delete, path = "/uploads/{id}", operation_id = "delete_upload", tag = "uploads", security(("bearer" = [])),
    params(("id" = UploadId, Path, description = "The upload's id.", example = "9f2c4d1e8a7b4c3d9e0f112233445566")),
    responses(
        (status = 204, description = "The upload is gone."),
        UploadProblems, DeleteProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id, upload.id = %id))]
pub(crate) async fn delete_upload(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<UploadId>,
) -> ApiResult<NoContent> {
    delete(&app, caller.id, id).await?;
    Ok(NoContent)
}

async fn delete(app: &App, owner: UserId, id: UploadId) -> Result<(), Fault> {
    match app.mongo.uploads().end_own(owner, id, app.clock.now()).await? {
        Ended::Done => Ok(()),
        Ended::Taken => Err(Code::UploadTaken.into()),
        Ended::NotFound => Err(Code::UploadNotFound.into()),
    }
}

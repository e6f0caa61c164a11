use crate::{App, UploadProblems, view::view};
use axum::extract::State;
use contract::UploadView;
use domain::UploadId;
use tracing::instrument;
use web::{ApiResult, Caller, CallerProblems, Json, Path, StoreProblems};

/// Returns an upload of the caller's.
///
/// Ask it if no frame `upload.ready` or `upload.rejected` has come for 5 s, and then with growing pauses. While the file is awaited, the
/// answer says how to send it, and which parts have arrived.
#[utoipa::path(
    get, path = "/uploads/{id}", operation_id = "get_upload", tag = "uploads", security(("bearer" = [])),
    params(("id" = UploadId, Path, description = "The upload's id.", example = "9f2c4d1e8a7b4c3d9e0f112233445566")),
    responses(
        (status = 200, description = "The upload.", body = UploadView),
        UploadProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id, upload.id = %id))]
pub(crate) async fn get_upload(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<UploadId>,
) -> ApiResult<Json<UploadView>> {
    let upload = app.find_own(caller.id, id).await?;
    Ok(Json(view(&app, upload).await?))
}

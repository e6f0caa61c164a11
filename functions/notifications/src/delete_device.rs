use crate::{
    App,
    put_device::{DevicePath, DeviceProblems},
};
use axum::extract::State;
use domain::notification::Installation;
use tracing::instrument;
use web::{ApiResult, Caller, CallerProblems, NoContent, Path, StoreProblems};

/// Removes one of the caller's devices.
#[utoipa::path(
    delete, path = "/notifications/devices/{installation}", operation_id = "delete_device", tag = "notifications",
    security(("bearer" = [])),
    params(DevicePath),
    responses(
        (status = 204, description = "The device is not notified any more."),
        DeviceProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id, device.id = %installation))]
pub(crate) async fn delete_device(
    State(app): State<App>,
    caller: Caller,
    Path(installation): Path<Installation>,
) -> ApiResult<NoContent> {
    app.mongo.devices().remove(caller.id, &installation).await?;
    Ok(NoContent)
}

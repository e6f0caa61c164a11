use crate::App;
use axum::extract::State;
use contract::{DeviceView, Listed};
use domain::Page;
use tracing::instrument;
use web::{ApiResult, Caller, CallerProblems, Json, StoreProblems};

/// Lists the devices that show the caller's notifications, the last seen one first.
///
/// There are at most 20, so `next_cursor` is always null. A device that fails says why in `last_error`.
#[utoipa::path(
    get, path = "/notifications/devices", operation_id = "list_devices", tag = "notifications",
    security(("bearer" = [])),
    responses((status = 200, description = "The devices.", body = Listed<DeviceView>), CallerProblems, StoreProblems)
)]
#[instrument(skip_all, fields(user.id = %caller.id))]
pub(crate) async fn list_devices(State(app): State<App>, caller: Caller) -> ApiResult<Json<Listed<DeviceView>>> {
    let items = app.mongo.devices().list(caller.id).await?;
    let page: Page<_, ()> = Page { items, next: None };
    Ok(Json(Listed::of(page, DeviceView::from)?))
}

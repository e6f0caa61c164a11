use crate::App;
use axum::extract::State;
use contract::NotificationSettingsView;
use tracing::instrument;
use web::{ApiResult, Caller, CallerProblems, Json, StoreProblems};

/// Returns what the caller is notified of.
#[utoipa::path(
    get, path = "/notifications/settings", operation_id = "get_notification_settings", tag = "notifications",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The settings.", body = NotificationSettingsView), CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id))]
pub(crate) async fn get_notification_settings(
    State(app): State<App>,
    caller: Caller,
) -> ApiResult<Json<NotificationSettingsView>> {
    Ok(Json(app.mongo.notifications().find(caller.id).await?.into()))
}

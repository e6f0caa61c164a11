use crate::App;
use axum::extract::State;
use contract::{NewNotificationSettings, NotificationSettingsView};
use mongo::Bucket;
use tracing::instrument;
use web::{ApiResult, Bearer, BodyProblems, CallerProblems, Json, StoreProblems};

/// Replaces what the caller is notified of.
///
/// What counts first: a pause, then quiet hours, a muted room, the level of a room, and the level of all. Whatever does not ring stays
/// unread, and is not sent later.
#[utoipa::path(
    put, path = "/notifications/settings", operation_id = "put_notification_settings", tag = "notifications",
    security(("bearer" = [])),
    request_body = NewNotificationSettings,
    responses(
        (status = 200, description = "The new settings.", body = NotificationSettingsView),
        BodyProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id))]
pub(crate) async fn put_notification_settings(
    State(app): State<App>,
    caller: Bearer,
    Json(settings): Json<NewNotificationSettings>,
) -> ApiResult<Json<NotificationSettingsView>> {
    let settings = settings.parse()?;
    caller.spend(&app.mongo, Bucket::Notifications, app.limits.notifications).await?;
    app.mongo.notifications().replace(caller.id, &settings).await?;
    Ok(Json(settings.into()))
}

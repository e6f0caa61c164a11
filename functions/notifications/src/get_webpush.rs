use crate::App;
use axum::extract::State;
use contract::WebpushView;
use domain::Code;
use tracing::instrument;
use web::{ApiResult, Caller, CallerProblems, Json, StoreProblems};

web::problems!(WebpushProblems: PushOff);

/// Returns what browsers subscribe with.
#[utoipa::path(
    get, path = "/notifications/webpush", operation_id = "get_webpush", tag = "notifications",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The service's public key.", body = WebpushView),
        WebpushProblems, CallerProblems, StoreProblems,
    )
)]
#[instrument(skip_all, fields(user.id = %caller.id))]
pub(crate) async fn get_webpush(State(app): State<App>, caller: Caller) -> ApiResult<Json<WebpushView>> {
    let public_key = app.vapid_public_key.ok_or(Code::PushOff)?;
    Ok(Json(WebpushView { public_key }))
}

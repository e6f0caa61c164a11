use contract::HealthView;
use web::Json;

/// Tells that the API answers.
#[utoipa::path(get, path = "/health", tag = "health", security(()),
    responses((status = 200, description = "The API answers.", body = HealthView)))]
pub(crate) async fn get_health() -> Json<HealthView> {
    Json(HealthView { status: "ok", version: env!("CARGO_PKG_VERSION") })
}

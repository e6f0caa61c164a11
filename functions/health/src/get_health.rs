use serde::Serialize;
use utoipa::ToSchema;
use web::Json;

/// That the API answers.
#[derive(Serialize, ToSchema)]
pub(crate) struct HealthView {
    #[schema(value_type = String, example = "ok")]
    status: &'static str,
    /// Of this build.
    #[schema(value_type = String, example = "1.0.0")]
    version: &'static str,
}

/// Tells that the API is alive.
///
/// No round trips.
#[utoipa::path(get, path = "/health", tag = "health", security(()),
    responses((status = 200, description = "It is.", body = HealthView)))]
pub(crate) async fn get_health() -> Json<HealthView> {
    Json(HealthView { status: "ok", version: env!("CARGO_PKG_VERSION") })
}

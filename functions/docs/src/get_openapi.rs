use crate::document::Document;
use axum::{http::HeaderMap, response::Response};

/// The document of the HTTP API.
pub const OPENAPI: &str = include_str!("../openapi.json");

/// Describes the HTTP API.
#[utoipa::path(get, path = "/openapi.json", tag = "docs", security(()),
    responses((status = 200, description = "A document of OpenAPI 3.1.", body = Object, example = json!({"openapi": "3.1.0"})),
        (status = 304, description = "The client has the current document, as `If-None-Match` says.")))]
pub(crate) async fn get_openapi(headers: HeaderMap) -> Response {
    Document::json(OPENAPI).answer(&headers)
}

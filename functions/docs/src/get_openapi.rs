use crate::document::Document;
use axum::{http::HeaderMap, response::Response};

/// What clients may send and get over HTTP.
pub const OPENAPI: &str = include_str!("../openapi.json");

/// Describes the HTTP API.
#[utoipa::path(get, path = "/openapi.json", tag = "docs", security(()),
    responses((status = 200, description = "OpenAPI 3.1.", body = Object, example = json!({"openapi": "3.1.0"})),
        (status = 304, description = "`If-None-Match` names the document as it is.")))]
pub(crate) async fn get_openapi(headers: HeaderMap) -> Response {
    Document::json(OPENAPI).answer(&headers)
}

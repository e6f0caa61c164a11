use crate::document::Document;
use axum::{http::HeaderMap, response::Response};

/// The document of the WebSocket API.
pub const ASYNCAPI: &str = include_str!("../asyncapi.json");

/// Describes the WebSocket API.
#[utoipa::path(get, path = "/asyncapi.json", tag = "docs", security(()),
    responses((status = 200, description = "A document of AsyncAPI 3.0.", body = Object, example = json!({"asyncapi": "3.0.0"})),
        (status = 304, description = "The client has the current document, as `If-None-Match` says.")))]
pub(crate) async fn get_asyncapi(headers: HeaderMap) -> Response {
    Document::json(ASYNCAPI).answer(&headers)
}

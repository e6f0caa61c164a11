use crate::document::Document;
use axum::{http::HeaderMap, response::Response};

/// What clients may send and get over a WebSocket.
pub const ASYNCAPI: &str = include_str!("../asyncapi.json");

/// Describes the WebSocket API.
#[utoipa::path(get, path = "/asyncapi.json", tag = "docs", security(()),
    responses((status = 200, description = "AsyncAPI 3.0.", body = Object, example = json!({"asyncapi": "3.0.0"})),
        (status = 304, description = "`If-None-Match` names the document as it is.")))]
pub(crate) async fn get_asyncapi(headers: HeaderMap) -> Response {
    Document::json(ASYNCAPI).answer(&headers)
}

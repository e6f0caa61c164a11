#![doc = include_str!("../README.md")]

use axum::{
    Router,
    http::{
        HeaderMap, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH},
    },
    response::{IntoResponse as _, Response},
};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use utoipa::openapi::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

/// What clients may send and get over HTTP.
pub const OPENAPI: &str = include_str!("../openapi.json");
/// What clients may send and get over a WebSocket.
pub const ASYNCAPI: &str = include_str!("../asyncapi.json");

/// The routes, without the manners that `web::serve` puts around them.
pub fn router() -> Router {
    routes().into()
}

/// The routes' part of the API's document.
pub fn openapi() -> OpenApi {
    routes().into_openapi()
}

fn routes() -> OpenApiRouter {
    OpenApiRouter::with_openapi(web::openapi()).routes(routes!(get_openapi)).routes(routes!(get_asyncapi))
}

/// Describes the HTTP API.
#[utoipa::path(get, path = "/openapi.json", tag = "docs", security(()),
    responses((status = 200, description = "OpenAPI 3.1.", body = Object),
        (status = 304, description = "`If-None-Match` names the document as it is.")))]
async fn get_openapi(headers: HeaderMap) -> Response {
    document(&headers, OPENAPI)
}

/// Describes the WebSocket API.
#[utoipa::path(get, path = "/asyncapi.json", tag = "docs", security(()),
    responses((status = 200, description = "AsyncAPI 3.0.", body = Object),
        (status = 304, description = "`If-None-Match` names the document as it is.")))]
async fn get_asyncapi(headers: HeaderMap) -> Response {
    document(&headers, ASYNCAPI)
}

fn document(headers: &HeaderMap, text: &'static str) -> Response {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    let tag = format!("\"{:016x}\"", hasher.finish());
    let held = headers.get(IF_NONE_MATCH).and_then(|held| held.to_str().ok()).unwrap_or_default();
    let same = held.split(',').map(str::trim).any(|held| held == "*" || held.trim_start_matches("W/") == tag);
    let caching = [(ETAG, tag.as_str()), (CACHE_CONTROL, "public, max-age=300")];
    if same {
        (StatusCode::NOT_MODIFIED, caching).into_response()
    } else {
        (caching, [(CONTENT_TYPE, "application/json")], text).into_response()
    }
}

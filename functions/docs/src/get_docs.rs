use crate::document::Document;
use axum::{http::HeaderMap, response::Response};

/// Swagger UI's icons are `data:` images.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Shows the HTTP API in Swagger UI, to read and try.
#[utoipa::path(get, path = "/docs", tag = "docs", security(()),
    responses((status = 200, description = "The page.", body = String, content_type = "text/html"),
        (status = 304, description = "The client has the current page, as `If-None-Match` says.")))]
pub(crate) async fn get_docs(headers: HeaderMap) -> Response {
    Document::page(include_str!("../assets/docs.html"), POLICY).answer(&headers)
}

use crate::document::Document;
use axum::{http::HeaderMap, response::Response};

/// Redoc makes its styles as it runs, and searches in a worker that it makes itself.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src data:; \
                      worker-src blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Shows the HTTP API in Redoc.
#[utoipa::path(get, path = "/redoc", tag = "docs", security(()),
    responses((status = 200, description = "The page.", body = String, content_type = "text/html"),
        (status = 304, description = "The client has the current page, as `If-None-Match` says.")))]
pub(crate) async fn get_redoc(headers: HeaderMap) -> Response {
    Document::page(include_str!("../assets/redoc.html"), POLICY).answer(&headers)
}

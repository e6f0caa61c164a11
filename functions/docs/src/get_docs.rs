use crate::document::Document;
use axum::{http::HeaderMap, response::Response};

/// Swagger UI's icons are `data:` images.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Shows the HTTP API in Swagger UI, to read and to try.
#[utoipa::path(get, path = "/docs", tag = "docs", security(()),
    responses((status = 200, description = "A page.", body = String, content_type = "text/html"),
        (status = 304, description = "`If-None-Match` names the page as it is.")))]
pub(crate) async fn get_docs(headers: HeaderMap) -> Response {
    Document::page(include_str!("../assets/docs.html"), POLICY).answer(&headers)
}

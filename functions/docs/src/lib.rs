#![doc = include_str!("../README.md")]

mod document;
mod get_asyncapi;
mod get_docs;
mod get_docs_asset;
mod get_openapi;
mod get_redoc;

pub use get_asyncapi::ASYNCAPI;
pub use get_openapi::OPENAPI;

use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this function and their documentation.
pub fn routes() -> OpenApiRouter {
    OpenApiRouter::with_openapi(web::openapi())
        .routes(routes!(get_openapi::get_openapi))
        .routes(routes!(get_asyncapi::get_asyncapi))
        .routes(routes!(get_docs::get_docs))
        .routes(routes!(get_redoc::get_redoc))
        .routes(routes!(get_docs_asset::get_docs_asset))
}

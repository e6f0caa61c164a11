#![doc = include_str!("../README.md")]

mod document;
mod get_asyncapi;
mod get_docs;
mod get_docs_asset;
mod get_openapi;
mod get_redoc;

pub use get_asyncapi::ASYNCAPI;
pub use get_openapi::OPENAPI;

use axum::Router;
use utoipa::openapi::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes, without the manners that `web::serve` puts around them.
pub fn router() -> Router {
    routes().into()
}

/// The routes' part of the API's document.
pub fn openapi() -> OpenApi {
    routes().into_openapi()
}

fn routes() -> OpenApiRouter {
    OpenApiRouter::with_openapi(web::openapi())
        .routes(routes!(get_openapi::get_openapi))
        .routes(routes!(get_asyncapi::get_asyncapi))
        .routes(routes!(get_docs::get_docs))
        .routes(routes!(get_redoc::get_redoc))
        .routes(routes!(get_docs_asset::get_docs_asset))
}

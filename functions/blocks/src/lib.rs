#![doc = include_str!("../README.md")]

mod create_block;
mod delete_block;
mod list_blocks;

use backend::Backend as App;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this function and their documentation.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(web::openapi())
        .routes(routes!(create_block::create_block))
        .routes(routes!(list_blocks::list_blocks))
        .routes(routes!(delete_block::delete_block))
}

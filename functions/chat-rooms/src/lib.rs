#![doc = include_str!("../README.md")]

mod create_chat_room;
mod get_chat_room;
mod list_chat_rooms;
mod view;

use backend::Backend as App;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this function and their documentation.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(web::openapi())
        .routes(routes!(create_chat_room::create_chat_room))
        .routes(routes!(list_chat_rooms::list_chat_rooms))
        .routes(routes!(get_chat_room::get_chat_room))
}

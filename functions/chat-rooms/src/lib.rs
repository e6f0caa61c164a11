#![doc = include_str!("../README.md")]

mod create_chat_room;
mod get_chat_room;
mod list_chat_rooms;
mod view;

use axum::{Router, extract::FromRef};
use domain::Clock;
use projection::Projector;
use utoipa::openapi::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};
use web::Gatekeeper;

/// What the handlers work with.
#[derive(Debug, Clone, FromRef)]
pub struct App {
    /// Knows callers.
    pub gatekeeper: Gatekeeper,
    /// Both stores.
    pub projector: Projector,
    /// The time.
    pub clock: Clock,
}

/// The routes of this function.
pub fn router(app: App) -> Router {
    documented().with_state(app).split_for_parts().0
}

/// The routes of this function, as the API's document has them.
pub fn openapi() -> OpenApi {
    documented().into_openapi()
}

fn documented() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(web::openapi())
        .routes(routes!(create_chat_room::create_chat_room))
        .routes(routes!(list_chat_rooms::list_chat_rooms))
        .routes(routes!(get_chat_room::get_chat_room))
}

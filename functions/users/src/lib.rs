#![doc = include_str!("../README.md")]

mod get_me;
mod get_user;
mod search_users;
mod update_me;

use axum::{Router, extract::FromRef};
use domain::{Clock, Limit};
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
    /// How often a person may look for people.
    pub search_limit: Limit,
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
        .routes(routes!(get_me::get_me))
        .routes(routes!(update_me::update_me))
        .routes(routes!(search_users::search_users))
        .routes(routes!(get_user::get_user))
}

#![doc = include_str!("../README.md")]

mod accept_friend;
mod delete_friend;
mod list_friends;
mod list_requests;
mod reject_friend;
mod request_friend;
mod turn;
mod view;

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
    /// How many people a person may ask.
    pub request_limit: Limit,
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
        .routes(routes!(request_friend::request_friend))
        .routes(routes!(list_requests::list_friend_requests))
        .routes(routes!(accept_friend::accept_friend))
        .routes(routes!(reject_friend::reject_friend))
        .routes(routes!(delete_friend::delete_friend))
        .routes(routes!(list_friends::list_friends))
}

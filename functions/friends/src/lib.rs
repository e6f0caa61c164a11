#![doc = include_str!("../README.md")]

mod accept_friend;
mod delete_friend;
mod list_friends;
mod list_requests;
mod reject_friend;
mod request_friend;
mod turn;

use backend::Backend as App;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this function and their documentation.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(web::openapi())
        .routes(routes!(request_friend::request_friend))
        .routes(routes!(list_requests::list_friend_requests))
        .routes(routes!(accept_friend::accept_friend))
        .routes(routes!(reject_friend::reject_friend))
        .routes(routes!(delete_friend::delete_friend))
        .routes(routes!(list_friends::list_friends))
}

#![doc = include_str!("../README.md")]

mod delete_avatar;
mod delete_me;
mod export_me;
mod get_me;
mod get_user;
mod search_users;
mod update_avatar;
mod update_me;

use backend::Backend as App;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this function and their documentation.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(web::openapi())
        .routes(routes!(get_me::get_me))
        .routes(routes!(update_me::update_me))
        .routes(routes!(delete_me::delete_me))
        .routes(routes!(update_avatar::update_avatar))
        .routes(routes!(delete_avatar::delete_avatar))
        .routes(routes!(export_me::export_me))
        .routes(routes!(search_users::search_users))
        .routes(routes!(get_user::get_user))
}

#![doc = include_str!("../README.md")]

mod create_session;
mod create_ticket;
mod delete_own_session;
mod delete_session;
mod guess;
mod list_sessions;
mod refresh_session;
mod register_user;
mod tokens;
mod update_password;

use axum::{Router, extract::FromRef};
use credentials::{AccessTokens, RefreshTokens};
use domain::{Clock, Limit, Random};
use projection::Projector;
use std::sync::Arc;
use utoipa::openapi::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};
use web::Gatekeeper;

/// What the routes work with.
#[derive(Debug, Clone)]
pub struct App {
    /// Both stores.
    pub projector: Projector,
    /// Issues and checks access tokens.
    pub access_tokens: AccessTokens,
    /// Issues and checks refresh tokens.
    pub refresh_tokens: RefreshTokens,
    /// Where a ticket is used.
    pub websocket_url: Arc<str>,
    /// How often one address of the internet may register, log in and refresh.
    pub sign_in_limit: Limit,
    /// How many tickets a person may get.
    pub ticket_limit: Limit,
    /// Where the time comes from.
    pub clock: Clock,
    /// Where ids, salts and tickets come from.
    pub random: Random,
}

impl FromRef<App> for Gatekeeper {
    fn from_ref(app: &App) -> Self {
        Self { tokens: app.access_tokens.clone(), mongo: app.projector.mongo.clone(), clock: app.clock }
    }
}

/// The routes, without the manners that `web::serve` puts around them.
pub fn router(app: App) -> Router {
    routes().with_state(app).into()
}

/// The routes' part of the API's document.
pub fn openapi() -> OpenApi {
    routes().into_openapi()
}

fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(web::openapi())
        .routes(routes!(register_user::register_user))
        .routes(routes!(create_session::create_session))
        .routes(routes!(refresh_session::refresh_session))
        .routes(routes!(delete_own_session::delete_own_session))
        .routes(routes!(list_sessions::list_sessions))
        .routes(routes!(delete_session::delete_session))
        .routes(routes!(update_password::update_password))
        .routes(routes!(create_ticket::create_ticket))
}

#![doc = include_str!("../README.md")]

mod create_session;
mod create_ticket;
mod register_user;

use axum::{Router, extract::FromRef};
use credentials::{AccessTokens, RefreshTokens};
use domain::{Clock, Random};
use mongo::Mongo;
use mysql::Mysql;
use std::sync::Arc;
use utoipa::openapi::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};
use web::Gatekeeper;

/// What the routes work with.
#[derive(Debug, Clone)]
pub struct App {
    /// Accounts and logins.
    pub mysql: Mysql,
    /// Tickets and revocations.
    pub mongo: Mongo,
    /// Issues and checks access tokens.
    pub access_tokens: AccessTokens,
    /// Issues refresh tokens.
    pub refresh_tokens: RefreshTokens,
    /// Where a ticket is used.
    pub websocket_url: Arc<str>,
    /// Where the time comes from.
    pub clock: Clock,
    /// Where ids, salts and tickets come from.
    pub random: Random,
}

impl FromRef<App> for Gatekeeper {
    fn from_ref(app: &App) -> Self {
        Self { tokens: app.access_tokens.clone(), mongo: app.mongo.clone(), clock: app.clock }
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
        .routes(routes!(create_ticket::create_ticket))
}

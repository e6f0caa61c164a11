#![doc = include_str!("../README.md")]

mod create_session;
mod create_ticket;
mod delete_own_session;
mod delete_session;
mod list_sessions;
mod refresh_session;
mod register_user;
mod tokens;
mod update_password;

use axum::extract::FromRef;
use backend::Backend;
use background::Background;
use boot::BoxError;
use credentials::{RefreshTokens, Tickets};
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};
use web::Gatekeeper;

/// What the handlers work with.
#[derive(Debug, Clone)]
pub struct App {
    /// What all functions of people have.
    pub backend: Backend,
    /// Issues and checks refresh tokens.
    pub refresh_tokens: RefreshTokens,
    /// Issues tickets.
    pub tickets: Tickets,
    /// Where a ticket is used.
    pub websocket_url: Arc<str>,
}

impl App {
    /// Reads the settings and connects.
    pub async fn connect(background: Background) -> Result<Self, BoxError> {
        let (settings, websocket_url) =
            boot::read(|settings| (Backend::settings(settings), settings.websocket_url())).await?;
        let signing = settings.signing();
        let (key, second) = (&signing.key, signing.previous_key.as_deref());
        let (refresh_tokens, tickets) = (RefreshTokens::new(key, second), Tickets::new(key, second));
        let backend = settings.connect(background).await?;
        Ok(Self { backend, refresh_tokens, tickets, websocket_url: websocket_url.into() })
    }
}

impl FromRef<App> for Gatekeeper {
    fn from_ref(app: &App) -> Self {
        Self::from_ref(&app.backend)
    }
}

/// The routes of this function and their documentation.
pub fn routes() -> OpenApiRouter<App> {
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

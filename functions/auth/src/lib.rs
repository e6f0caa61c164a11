#![doc = include_str!("../README.md")]

mod create_session;
mod create_ticket;
mod delete_own_session;
mod delete_session;
mod list_sessions;
mod mailing;
mod refresh_session;
mod register_user;
mod request_email_verification;
mod request_password_reset;
mod reset_password;
mod tokens;
mod update_password;
mod verify_email;

pub use mailing::Mailing;

use axum::extract::FromRef;
use backend::Backend;
use background::Background;
use boot::{BoxError, MailSettings};
use credentials::{MailTokens, RefreshTokens, Tickets};
use mail::{Post, Ses};
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};
use web::{Gatekeeper, TrustedProxy};

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
    /// Mails; `None` where this installation sends none.
    pub mailing: Option<Mailing>,
    /// Knows a proxy that says where requests come from.
    pub proxy: TrustedProxy,
}

impl App {
    /// Reads the settings and connects.
    pub async fn connect(background: Background) -> Result<Self, BoxError> {
        let (settings, websocket_url, mail, aws, proxy_key) = boot::read(|settings| {
            let (websocket_url, mail) = (settings.websocket_url(), settings.mail());
            (Backend::settings(settings), websocket_url, mail, settings.aws(), settings.trusted_proxy_key())
        })
        .await?;
        let proxy = TrustedProxy::new(proxy_key.as_deref());
        let signing = settings.signing();
        let (key, second) = (&signing.key, signing.previous_key.as_deref());
        let (refresh_tokens, tickets) = (RefreshTokens::new(key, second), Tickets::new(key, second));
        let mail_tokens = MailTokens::new(key, second);
        let backend = settings.connect(background.clone()).await?;
        let mailing = mail.map(|MailSettings { from, app_url, ses_url }| {
            let ses = Ses::new(&from, ses_url.as_deref(), &aws);
            let post = Post::new(backend.projector.mysql.clone(), ses, mail_tokens, &app_url, backend.clock);
            Mailing { post, background }
        });
        Ok(Self { backend, refresh_tokens, tickets, websocket_url: websocket_url.into(), mailing, proxy })
    }
}

impl FromRef<App> for Gatekeeper {
    fn from_ref(app: &App) -> Self {
        Self::from_ref(&app.backend)
    }
}

impl FromRef<App> for TrustedProxy {
    fn from_ref(app: &App) -> Self {
        app.proxy.clone()
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
        .routes(routes!(verify_email::verify_email))
        .routes(routes!(request_email_verification::request_email_verification))
        .routes(routes!(request_password_reset::request_password_reset))
        .routes(routes!(reset_password::reset_password))
}

use crate::logins::{Logins, MINJI, Tokens};
use axum::http::Method;
use domain::{Limit, UserId};
use serde_json::{Value, json};
use std::ops::Deref;
use testkit::{Answer, ses::SesServer};

pub(crate) const NEW: &str = "battery horse correct";

/// People who get mails.
pub(crate) struct Mailed {
    pub(crate) logins: Logins,
    pub(crate) ses: SesServer,
}

impl Deref for Mailed {
    type Target = Logins;

    fn deref(&self) -> &Logins {
        &self.logins
    }
}

impl Mailed {
    pub(crate) async fn new() -> Self {
        let ses = SesServer::start().await;
        Self { logins: Logins::new().await.mailed(&ses), ses }
    }

    /// The same with somebody who is logged in.
    pub(crate) async fn with_minji() -> (Self, UserId, Tokens) {
        let mailed = Self::new().await;
        let minji = mailed.join(MINJI).await;
        let tokens = mailed.tokens(MINJI).await;
        (mailed, minji, tokens)
    }

    /// The same where so many mails go to an address, and none comes back while a test runs.
    pub(crate) fn with_mails_limited_to(self, burst: u32) -> Self {
        let limited = self.logins.with(|app| app.backend.limits.mails = Limit { burst, per_minute: 1 });
        Self { logins: Logins::of(limited), ..self }
    }

    /// The token in the newest mail for a page of the app.
    pub(crate) fn token(&self, page: &str) -> String {
        let mails = self.ses.mails();
        let link = format!("/{page}#token=");
        mails.iter().rev().find(|mail| mail.text.contains(&link)).unwrap().token()
    }

    pub(crate) fn verification(&self) -> String {
        self.token("verify-email")
    }

    /// Asks for a reset and reads the mail.
    pub(crate) async fn reset_token(&self) -> String {
        assert_eq!(self.ask_reset(MINJI).await.status, 202);
        self.token("reset-password")
    }

    pub(crate) async fn is_verified(&self, user: UserId) -> bool {
        self.mysql().users().find(user).await.unwrap().unwrap().email_verified
    }
}

impl Logins {
    pub(crate) async fn verify(&self, access: &str, token: &str) -> Answer {
        self.call(Method::POST, "/auth/verify-email", access, &json!({"token": token})).await
    }

    pub(crate) async fn ask_verification(&self, access: &str) -> Answer {
        self.call(Method::POST, "/auth/verify-email/request", access, &Value::Null).await
    }

    pub(crate) async fn ask_reset(&self, email: &str) -> Answer {
        self.post("/auth/password-reset/request", &json!({"email": email})).await
    }

    pub(crate) async fn reset(&self, token: &str, password: &str) -> Answer {
        self.post("/auth/password-reset", &json!({"token": token, "new_password": password})).await
    }
}

/// The one answer to every token that is worth nothing.
pub(crate) fn invalid() -> (u16, String) {
    (403, "mail_token_invalid".to_owned())
}

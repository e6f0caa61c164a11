use domain::{Attempt, Fault, Session, SessionId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A login.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// The account's e-mail address.
    #[schema(example = "minji@example.com")]
    pub email: String,
    /// The account's password.
    #[schema(example = "correct horse battery", format = Password)]
    pub password: String,
}

/// A login as the password grant of OAuth 2.0 (RFC 6749, 4.3).
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordGrant {
    /// The account's e-mail address.
    #[schema(example = "minji@example.com")]
    pub username: String,
    /// The account's password.
    #[schema(example = "correct horse battery", format = Password)]
    pub password: String,
    /// The grant type.
    pub grant_type: Option<GrantType>,
    /// Ignored.
    pub scope: Option<String>,
    /// Ignored.
    pub client_id: Option<String>,
    /// Ignored.
    pub client_secret: Option<String>,
}

/// The supported grant type.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// The password grant.
    Password,
}

/// A request for new tokens.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshGrant {
    /// The newest refresh token of the session.
    #[schema(example = "0f8fad5bd9cb469fa16570867728950e.1.dGFn")]
    pub refresh_token: String,
    /// Names this attempt: 1 to 64 visible ASCII characters, another one for each new refresh. A retry under the same name gets the
    /// same refresh token again, however late.
    #[schema(example = "01J9ZQ4Z7Y", min_length = 1, max_length = 64, pattern = "^[!-~]+$")]
    pub attempt: Option<String>,
}

impl RefreshGrant {
    /// The attempt's name, or why it is refused.
    pub fn parse(&self) -> Result<Option<Attempt>, Fault> {
        let attempt = self.attempt.as_deref().map(Attempt::parse).transpose();
        attempt.map_err(|reason| Fault::field("attempt", reason))
    }
}

/// The tokens of a session.
#[derive(Serialize, ToSchema)]
pub struct Tokens {
    /// The access token, for `Authorization: Bearer`.
    #[schema(example = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJiaWd0ZWNoLWNoYXQifQ.c2lnbmF0dXJl")]
    pub access_token: String,
    /// Always `bearer`.
    #[schema(example = "bearer")]
    pub token_type: &'static str,
    /// The lifetime of the access token in seconds.
    #[schema(example = 900)]
    pub expires_in: u64,
    /// The refresh token, for `POST /auth/refresh`; valid once.
    #[schema(example = "0f8fad5bd9cb469fa16570867728950e.1.dGFn")]
    pub refresh_token: String,
}

/// A session: one login on one device.
#[derive(Serialize, ToSchema)]
pub struct SessionView {
    /// The session's id.
    pub id: SessionId,
    /// The `User-Agent` of the login; null if there was none.
    #[schema(required = true, example = "Mozilla/5.0 (Android 16; Mobile)")]
    pub user_agent: Option<String>,
    /// Whether it is the session of this request.
    pub is_current: bool,
    /// The time of the login.
    pub created_at: Timestamp,
    /// The time of the latest refresh.
    pub last_used_at: Timestamp,
}

/// A ticket, which opens one WebSocket connection.
#[derive(Serialize, ToSchema)]
pub struct TicketView {
    /// The ticket; valid once, until `expires_at`.
    #[schema(
        example = "6sm5F1AnNAQ9tmkDP_X2etFMkXbLyW3RfL0TyetR5YnYdEgoqvcxyBWOHjF-CGj3ilMQI9UBGpmCl5kj6kuB4zEyMzQ1Njc4"
    )]
    pub ticket: String,
    /// The address to connect to, with `?ticket=` and the ticket.
    #[schema(example = "wss://a1b2c3.execute-api.eu-west-1.amazonaws.com/v1")]
    pub url: String,
    /// One minute from now.
    pub expires_at: Timestamp,
}

impl SessionView {
    /// A session as its owner sees it from the session `current`.
    pub fn of(session: Session, current: &SessionId) -> Self {
        let Session { id, user_agent, created_at, last_used_at } = session;
        Self { is_current: id == *current, id, user_agent, created_at, last_used_at }
    }
}

impl From<PasswordGrant> for Login {
    fn from(grant: PasswordGrant) -> Self {
        Self { email: grant.username, password: grant.password }
    }
}

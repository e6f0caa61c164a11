use crate::App;
use domain::{Fault, SessionId, Timestamp, UserId};
use serde::Serialize;
use utoipa::ToSchema;

/// What a login gives, and what refreshing it gives.
#[derive(Serialize, ToSchema)]
pub(crate) struct Tokens {
    /// Goes into `Authorization: Bearer`.
    #[schema(example = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJiaWd0ZWNoLWNoYXQifQ.c2lnbmF0dXJl")]
    access_token: String,
    #[schema(value_type = String, example = "bearer")]
    token_type: &'static str,
    /// Seconds for which the access token is good.
    #[schema(example = 900)]
    expires_in: u64,
    /// Gets new tokens when these have expired, and is good once.
    #[schema(example = "0f8fad5bd9cb469fa16570867728950e.1.dGFn")]
    refresh_token: String,
}

impl App {
    /// Tokens of a session's generation, as of a moment before its row was written: whoever ends the session after that
    /// refuses them for as long as they live.
    pub(crate) fn issue(
        &self,
        user: UserId,
        session: &SessionId,
        generation: u32,
        at: Timestamp,
    ) -> Result<Tokens, Fault> {
        Ok(Tokens {
            access_token: self.access_tokens.issue(user, session, at)?,
            token_type: "bearer",
            expires_in: self.access_tokens.lifetime().as_secs(),
            refresh_token: self.refresh_tokens.issue(session, generation),
        })
    }
}

use crate::App;
use contract::Tokens;
use domain::{Fault, SessionId, Timestamp, UserId};

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
            access_token: self.backend.tokens.issue(user, session, at)?,
            token_type: "bearer",
            expires_in: self.backend.tokens.lifetime().as_secs(),
            refresh_token: self.refresh_tokens.issue(session, generation),
        })
    }
}

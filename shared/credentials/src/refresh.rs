use crate::key::{Purpose, Signatures};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::SessionId;

/// Ours have some 90 bytes; nothing longer is worth a signature check.
const MAX_BYTES: usize = 256;

/// Issues and checks refresh tokens, `session.generation.HMAC(key, both)`.
#[derive(Clone, Debug)]
pub struct RefreshTokens(Signatures);

/// What a genuine token says; whether its generation is the latest is for the store to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshToken {
    /// The login that it belongs to.
    pub session: SessionId,
    /// How often the session was refreshed before it was issued.
    pub generation: u32,
}

impl RefreshTokens {
    /// Signs with a key of `secret`; one of `second` verifies as well.
    pub fn new(secret: &str, second: Option<&str>) -> Self {
        Self(Signatures::new(Purpose::RefreshTokens, secret, second))
    }

    /// The token of a session's generation: always the same one.
    pub fn issue(&self, session: &SessionId, generation: u32) -> String {
        let named = format!("{session}.{generation}");
        let tag = self.0.sign(named.as_bytes());
        format!("{named}.{}", URL_SAFE_NO_PAD.encode(tag))
    }

    /// Reads a token that we issued; `None` for any other.
    pub fn verify(&self, token: &str) -> Option<RefreshToken> {
        if token.len() > MAX_BYTES {
            return None;
        }
        let (named, tag) = token.rsplit_once('.')?;
        let (session, generation) = named.split_once('.')?;
        if !self.0.are_of(named.as_bytes(), &URL_SAFE_NO_PAD.decode(tag).ok()?) {
            return None;
        }
        Some(RefreshToken { session: SessionId(session.to_owned()), generation: generation.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) const KEY: &str = "0123456789abcdef0123456789abcdef";
    const OLD: &str = "fedcba9876543210fedcba9876543210";

    #[test]
    fn second_key_verifies_too() {
        let token = RefreshTokens::new(OLD, None).issue(&SessionId("5e55".to_owned()), 2);

        assert!(RefreshTokens::new(KEY, Some(OLD)).verify(&token).is_some());
        assert_eq!(RefreshTokens::new(KEY, None).verify(&token), None);
    }
}

#[cfg(test)]
mod properties {
    use super::{tests::KEY, *};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn token_reads_back(bytes: [u8; 16], generation: u32) {
            let (tokens, session) = (RefreshTokens::new(KEY, None), SessionId::from_bytes(bytes));
            let token = tokens.issue(&session, generation);
            prop_assert_eq!(tokens.verify(&token), Some(RefreshToken { session, generation }));
        }

        #[test]
        fn arbitrary_text_is_refused(text in "\\PC{0,120}|[0-9a-f]{32}\\.[0-9]{1,12}\\.[A-Za-z0-9_-]{42,44}|[.0-9a-f]{0,90}") {
            prop_assert_eq!(RefreshTokens::new(KEY, None).verify(&text), None);
        }

        #[test]
        fn changed_token_is_refused(at in 0usize..100, to in "[A-Za-z0-9_.-]") {
            let tokens = RefreshTokens::new(KEY, None);
            let token = tokens.issue(&SessionId::from_bytes([9; 16]), 41);
            let at = at % token.len();
            let changed = format!("{}{to}{}", &token[..at], &token[at + 1..]);
            if changed != token { prop_assert_eq!(tokens.verify(&changed), None); }
        }
    }
}

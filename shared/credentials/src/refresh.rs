use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::SessionId;

/// Issues and checks refresh tokens, `session.generation.HMAC(key, both)`.
#[derive(Clone, Debug)]
pub struct RefreshTokens {
    signer: hmac::Key,
    verifiers: Vec<hmac::Key>,
}

/// What a genuine token says; whether its generation is the latest is for the store to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshToken {
    /// The login that it belongs to.
    pub session: SessionId,
    /// How often the session was refreshed before it was issued.
    pub generation: u32,
}

impl RefreshTokens {
    /// Signs with `key`; `previous_key` still verifies.
    pub fn new(key: &str, previous_key: Option<&str>) -> Self {
        let key_of = |key: &str| hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
        let verifiers = [Some(key), previous_key].into_iter().flatten().map(key_of).collect();
        Self { signer: key_of(key), verifiers }
    }

    /// The token of a session's generation: always the same one.
    pub fn issue(&self, session: &SessionId, generation: u32) -> String {
        let named = format!("{session}.{generation}");
        let tag = hmac::sign(&self.signer, &signed(&named));
        format!("{named}.{}", URL_SAFE_NO_PAD.encode(tag))
    }

    /// Reads a token that we issued; `None` for any other.
    pub fn verify(&self, token: &str) -> Option<RefreshToken> {
        let (named, tag) = token.rsplit_once('.')?;
        let (session, generation) = named.split_once('.')?;
        let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
        self.verifiers.iter().find(|key| hmac::verify(key, &signed(named), &tag).is_ok())?;
        Some(RefreshToken { session: SessionId(session.to_owned()), generation: generation.parse().ok()? })
    }
}

/// The key also signs access tokens; no JWT has a colon in its signed part, so neither passes for the other.
fn signed(named: &str) -> Vec<u8> {
    format!("refresh:{named}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) const KEY: &str = "0123456789abcdef0123456789abcdef";
    const OLD: &str = "fedcba9876543210fedcba9876543210";

    #[test]
    fn previous_key_verifies_as_long_as_it_is_set() {
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
        fn no_text_is_a_token(text in "\\PC{0,120}|[0-9a-f]{32}\\.[0-9]{1,12}\\.[A-Za-z0-9_-]{42,44}|[.0-9a-f]{0,90}") {
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

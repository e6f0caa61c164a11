use crate::key::Purpose;
use domain::{Fault, SessionId, Timestamp, UserId};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};
use std::time::Duration;

const ISSUER: &str = "bigtech-chat";
const AUDIENCE: &str = "bigtech-chat-api";
/// Ours have some 300 bytes; nothing longer is worth a signature check.
const MAX_BYTES: usize = 2_048;
/// How far the clock of whoever issued a token may be ahead, in seconds.
const CLOCKS_DIFFER: i64 = 60;

/// Issues and checks access tokens.
#[derive(Clone)]
pub struct AccessTokens {
    header: Header,
    signer: EncodingKey,
    verifiers: Vec<DecodingKey>,
    validation: Validation,
    lifetime: Duration,
}

/// What a valid token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// Whose it is (`sub`).
    pub user: UserId,
    /// The login that it was issued for (`sid`).
    pub session: SessionId,
    /// When it ends (`exp`).
    pub expires_at: Timestamp,
}

/// Why a token was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not one of ours, or not any more.
    #[error("the access token is not valid")]
    Invalid,
    /// One of ours whose time is over.
    #[error("the access token has expired")]
    Expired,
}

/// The algorithm is none of HS256, HS384 and HS512.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown algorithm")]
pub struct UnknownAlgorithm;

#[derive(Serialize, Deserialize)]
struct Wire {
    iss: String,
    aud: String,
    sub: String,
    sid: String,
    iat: i64,
    exp: i64,
}

impl AccessTokens {
    /// Signs with a key of `secret`; one of `second` verifies as well. `algorithm` is HS256, HS384 or HS512.
    pub fn new(
        algorithm: &str,
        secret: &str,
        second: Option<&str>,
        lifetime: Duration,
    ) -> Result<Self, UnknownAlgorithm> {
        let algorithm = match algorithm {
            "HS256" => Algorithm::HS256,
            "HS384" => Algorithm::HS384,
            "HS512" => Algorithm::HS512,
            _ => return Err(UnknownAlgorithm),
        };
        let mut validation = Validation::new(algorithm);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
        // The library would ask the system's clock; `verify` asks its caller's.
        validation.validate_exp = false;
        let key_of = |secret: &str| Purpose::AccessTokens.key(secret);
        let secrets = [Some(secret), second].into_iter().flatten();
        Ok(Self {
            header: Header::new(algorithm),
            signer: EncodingKey::from_secret(&key_of(secret)),
            verifiers: secrets.map(|secret| DecodingKey::from_secret(&key_of(secret))).collect(),
            validation,
            lifetime,
        })
    }

    /// How long a token lives.
    pub fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// A token for one login of one person.
    pub fn issue(&self, user: UserId, session: &SessionId, now: Timestamp) -> Result<String, Fault> {
        let claims = Wire {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: user.to_string(),
            sid: session.to_string(),
            iat: now.seconds(),
            exp: now.plus(self.lifetime).seconds(),
        };
        encode(&self.header, &claims, &self.signer).map_err(Fault::internal)
    }

    /// Reads a token; whether its session was revoked is for the store to say. A shorter lifetime than the one it was issued under
    /// holds for it at once: who ends a session refuses its tokens no longer than that.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Claims, TokenError> {
        if token.len() > MAX_BYTES {
            return Err(TokenError::Invalid);
        }
        let wire = self.verifiers.iter().find_map(|key| decode::<Wire>(token, key, &self.validation).ok());
        let wire = wire.ok_or(TokenError::Invalid)?.claims;
        let user = wire.sub.parse().map_err(|_| TokenError::Invalid)?;
        if wire.iat > now.seconds().saturating_add(CLOCKS_DIFFER) {
            return Err(TokenError::Invalid);
        }
        let lifetime = i64::try_from(self.lifetime.as_millis().div_ceil(1_000)).unwrap_or(i64::MAX);
        let end = wire.exp.min(wire.iat.saturating_add(lifetime));
        if end <= now.seconds() {
            return Err(TokenError::Expired);
        }
        let expires_at = Timestamp::from_millis(end.saturating_mul(1_000));
        Ok(Claims { user, session: SessionId(wire.sid), expires_at })
    }
}

impl std::fmt::Debug for AccessTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessTokens").field("lifetime", &self.lifetime).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use serde_json::{Value, json};

    pub(super) const KEY: &str = "0123456789abcdef0123456789abcdef";
    const OLD: &str = "fedcba9876543210fedcba9876543210";
    pub(super) const NOON: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    pub(super) fn tokens(algorithm: &str, key: &str, previous: Option<&str>) -> AccessTokens {
        AccessTokens::new(algorithm, key, previous, Duration::from_mins(15)).unwrap()
    }

    pub(super) fn issue(tokens: &AccessTokens) -> String {
        tokens.issue(UserId(3), &SessionId("5e55".to_owned()), NOON).unwrap()
    }

    fn forge(header: &Header, claims: &Value, key: &str) -> String {
        encode(header, claims, &EncodingKey::from_secret(&Purpose::AccessTokens.key(key))).unwrap()
    }

    fn claims() -> Value {
        json!({"iss": ISSUER, "aud": AUDIENCE, "sub": "3", "sid": "5e55", "iat": 1_790_000_000, "exp": 1_790_000_900})
    }

    #[test]
    fn token_reads_back_until_it_expires() {
        for algorithm in ["HS256", "HS384", "HS512"] {
            let tokens = tokens(algorithm, KEY, None);
            let (token, end) = (issue(&tokens), NOON.plus(Duration::from_mins(15)));
            let claims = Claims { user: UserId(3), session: SessionId("5e55".to_owned()), expires_at: end };

            assert_eq!(tokens.verify(&token, NOON), Ok(claims));
            assert_eq!(tokens.verify(&token, end), Err(TokenError::Expired));
        }
    }

    #[test]
    fn second_key_verifies_too() {
        let token = issue(&tokens("HS256", OLD, None));

        assert!(tokens("HS256", KEY, Some(OLD)).verify(&token, NOON).is_ok());
        assert_eq!(tokens("HS256", KEY, None).verify(&token, NOON), Err(TokenError::Invalid));
    }

    #[test]
    fn secret_and_keys_of_other_tokens_sign_no_access_token() {
        let (tokens, header) = (tokens("HS256", KEY, None), Header::new(Algorithm::HS256));
        for key in [KEY.as_bytes(), &Purpose::RefreshTokens.key(KEY), &Purpose::Tickets.key(KEY)] {
            let token = encode(&header, &claims(), &EncodingKey::from_secret(key)).unwrap();
            assert_eq!(tokens.verify(&token, NOON), Err(TokenError::Invalid));
        }
    }

    #[test]
    fn shorter_lifetime_applies_to_older_tokens() {
        let token = AccessTokens::new("HS256", KEY, None, Duration::from_hours(24)).unwrap();
        let (token, shorter) = (issue(&token), tokens("HS256", KEY, None));
        let end = NOON.plus(Duration::from_mins(15));

        assert_eq!(shorter.verify(&token, NOON).unwrap().expires_at, end);
        assert_eq!(shorter.verify(&token, end), Err(TokenError::Expired));
    }

    #[test]
    fn longer_lifetime_does_not_extend_older_tokens() {
        let longer = AccessTokens::new("HS256", KEY, None, Duration::from_hours(24)).unwrap();

        let late = longer.verify(&issue(&tokens("HS256", KEY, None)), NOON.plus(Duration::from_mins(15)));

        assert_eq!(late, Err(TokenError::Expired));
    }

    #[test]
    fn token_from_the_future_is_refused_beyond_a_minute() {
        let (tokens, token) = (tokens("HS256", KEY, None), issue(&tokens("HS256", KEY, None)));

        assert!(tokens.verify(&token, NOON.minus(Duration::from_mins(1))).is_ok());
        assert_eq!(tokens.verify(&token, NOON.minus(Duration::from_secs(61))), Err(TokenError::Invalid));
    }

    #[test]
    fn another_algorithm_is_refused_even_with_our_key() {
        let token = issue(&tokens("HS512", KEY, None));

        assert_eq!(tokens("HS256", KEY, None).verify(&token, NOON), Err(TokenError::Invalid));
    }

    #[test]
    fn unsigned_token_is_refused() {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        for alg in ["none", "None", "NONE", ""] {
            let token = format!("{}.{}.", part(&json!({"alg": alg, "typ": "JWT"})), part(&claims()));
            assert_eq!(tokens("HS256", KEY, None).verify(&token, NOON), Err(TokenError::Invalid), "{alg}");
        }
    }

    #[test]
    fn token_with_a_wrong_or_missing_claim_is_refused() {
        let (tokens, header) = (tokens("HS256", KEY, None), Header::new(Algorithm::HS256));
        assert!(tokens.verify(&forge(&header, &claims(), KEY), NOON).is_ok());
        for (claim, value) in [
            ("iss", json!("other")),
            ("aud", json!("other")),
            ("aud", json!([AUDIENCE, "other"])),
            ("sub", json!("03")),
            ("sub", json!(3)),
            ("exp", json!("1790000900")),
        ] {
            let mut forged = claims();
            forged[claim] = value;
            assert_eq!(tokens.verify(&forge(&header, &forged, KEY), NOON), Err(TokenError::Invalid), "{forged}");
        }
        for claim in ["iss", "aud", "sub", "sid", "iat", "exp"] {
            let mut forged = claims();
            forged.as_object_mut().unwrap().remove(claim);
            assert_eq!(tokens.verify(&forge(&header, &forged, KEY), NOON), Err(TokenError::Invalid), "{claim}");
        }
    }
}

#[cfg(test)]
mod properties {
    use super::{
        tests::{KEY, NOON, issue, tokens},
        *,
    };
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn arbitrary_text_is_refused(text in "\\PC{0,200}|ey[A-Za-z0-9_-]{0,60}\\.ey[A-Za-z0-9_-]{0,99}\\.[A-Za-z0-9_-]{0,44}") {
            prop_assert_eq!(tokens("HS256", KEY, None).verify(&text, NOON), Err(TokenError::Invalid));
        }

        #[test]
        fn changed_token_is_refused(at in 0usize..200, to in "[A-Za-z0-9_.-]") {
            let tokens = tokens("HS256", KEY, None);
            let token = issue(&tokens);
            let at = at % token.len();
            let changed = format!("{}{to}{}", &token[..at], &token[at + 1..]);
            if changed != token { prop_assert_eq!(tokens.verify(&changed, NOON), Err(TokenError::Invalid)); }
        }
    }
}

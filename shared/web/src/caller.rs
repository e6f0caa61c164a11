use crate::ApiError;
use axum::{
    extract::{FromRef, FromRequestParts},
    http::{HeaderMap, header, request::Parts},
};
use credentials::{AccessTokens, TokenError};
use domain::{Clock, Code, SessionId, UserId};
use mongo::Mongo;

/// Who sends the request, by a valid access token of a session that is not revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Who.
    pub id: UserId,
    /// Their login.
    pub session: SessionId,
}

/// What it takes to know a caller; a function's state offers it by `FromRef`.
#[derive(Debug, Clone)]
pub struct Gatekeeper {
    /// Checks the token.
    pub tokens: AccessTokens,
    /// Knows the revoked sessions.
    pub mongo: Mongo,
    /// Knows whether the token has expired.
    pub clock: Clock,
}

impl<S: Send + Sync> FromRequestParts<S> for Caller
where
    Gatekeeper: FromRef<S>,
{
    type Rejection = ApiError;

    /// One read of MongoDB, after the token was found valid.
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let gatekeeper = Gatekeeper::from_ref(state);
        let token = bearer(&parts.headers).ok_or(Code::Unauthenticated)?;
        let claims = gatekeeper.tokens.verify(token, gatekeeper.clock.now()).map_err(|error| match error {
            TokenError::Invalid => Code::Unauthenticated,
            TokenError::Expired => Code::TokenExpired,
        })?;
        if gatekeeper.mongo.is_revoked(&claims.session).await? {
            return Err(Code::Unauthenticated.into());
        }
        Ok(Self { id: claims.user, session: claims.session })
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

use crate::ApiError;
use axum::{
    extract::{FromRef, FromRequestParts},
    http::{HeaderMap, header, request::Parts},
};
use boot::Limits;
use credentials::{AccessTokens, TokenError};
use domain::{Clock, Code, Fault, Limit, Random, SessionId, UserId};
use mongo::{Bucket, Mongo};

/// Who sends the request, by a valid access token. Whether their session has ended is looked at with the operation's first step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearer {
    /// Who.
    pub id: UserId,
    /// Their login.
    pub session: SessionId,
}

/// Who sends the request, by a valid access token of a session that has not ended, and not too often: it takes a token of their
/// bucket of reads or of changes, by the request's method. A route with a bucket of its own takes a `Bearer` and spends.
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
    /// Knows the sessions that ended.
    pub mongo: Mongo,
    /// Knows whether the token has expired.
    pub clock: Clock,
    /// How often something may be done.
    pub limits: Limits,
    /// Decides which reads are counted.
    pub random: Random,
}

impl Bearer {
    /// The outcome of a read, if their gate lets them pass. One after the other, so that what is refused costs no read.
    pub async fn read<T>(&self, gate: &Gatekeeper, read: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        self.pass_read(gate).await?;
        read.await
    }

    /// Whether the session has not ended, whatever their limits: nobody is kept from logging out.
    pub async fn check(&self, gate: &Gatekeeper) -> Result<(), Fault> {
        let is_ended = gate.mongo.gates().is_ended(self.id, &self.session).await?;
        if is_ended { Err(Code::Unauthenticated.into()) } else { Ok(()) }
    }

    /// Takes a token from a bucket of theirs, if the session has not ended, in one step.
    pub async fn spend(&self, mongo: &Mongo, bucket: Bucket, limit: Limit) -> Result<(), Fault> {
        mongo.gates().pass(self.id, &self.session, bucket, limit).await?.admit()
    }

    async fn pass_read(&self, gate: &Gatekeeper) -> Result<(), Fault> {
        gate.mongo.gates().pass_read(self.id, &self.session, gate.limits.reads, gate.random).await?.admit()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Bearer
where
    Gatekeeper: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let gatekeeper = Gatekeeper::from_ref(state);
        let token = bearer(&parts.headers).ok_or(Code::Unauthenticated)?;
        let claims = gatekeeper.tokens.verify(token, gatekeeper.clock.now()).map_err(|error| match error {
            TokenError::Invalid => Code::Unauthenticated,
            TokenError::Expired => Code::TokenExpired,
        })?;
        Ok(Self { id: claims.user, session: claims.session })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller
where
    Gatekeeper: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let bearer = Bearer::from_request_parts(parts, state).await?;
        let gate = Gatekeeper::from_ref(state);
        if parts.method.is_safe() {
            bearer.pass_read(&gate).await?;
        } else {
            bearer.spend(&gate.mongo, Bucket::Changes, gate.limits.changes).await?;
        }
        Ok(Self { id: bearer.id, session: bearer.session })
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

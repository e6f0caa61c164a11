use crate::ApiError;
use axum::{
    extract::{FromRequestParts, RawPathParams},
    http::request::Parts,
};
use domain::{Code, FriendshipId, MessageId, RoomId, SessionId, UserId};
use std::str::FromStr;

/// The id in a path with one parameter. What is no id is not there: 404, as for an id that nobody has.
#[derive(Debug, Clone)]
pub struct Path<T>(pub T);

/// An id that may stand in a path.
pub trait PathId: FromStr {
    /// What a client learns where there is none.
    const NOT_FOUND: Code;
}

impl PathId for RoomId {
    const NOT_FOUND: Code = Code::RoomNotFound;
}

impl PathId for MessageId {
    const NOT_FOUND: Code = Code::MessageNotFound;
}

impl PathId for UserId {
    const NOT_FOUND: Code = Code::UserNotFound;
}

impl PathId for FriendshipId {
    const NOT_FOUND: Code = Code::FriendshipNotFound;
}

impl PathId for SessionId {
    const NOT_FOUND: Code = Code::SessionNotFound;
}

impl<T: PathId, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let parameters = RawPathParams::from_request_parts(parts, state).await.map_err(|_| T::NOT_FOUND)?;
        let id = parameters.iter().next().and_then(|(_, text)| text.parse().ok());
        Ok(Self(id.ok_or(T::NOT_FOUND)?))
    }
}

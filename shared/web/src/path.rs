use crate::ApiError;
use axum::{
    extract::{FromRequestParts, RawPathParams},
    http::request::Parts,
};
use credentials::InviteCode;
use domain::{Code, FriendshipId, MessageId, RoomId, RoomKey, SessionId, UploadId, UserId, notification::Installation};
use std::str::FromStr;

/// The id in a path with one parameter, a room's kind and id, or a room's id and another one in a path with two. A malformed id answers 404, exactly like
/// an unknown one.
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

impl PathId for InviteCode {
    const NOT_FOUND: Code = Code::InviteNotFound;
}

impl PathId for UploadId {
    const NOT_FOUND: Code = Code::UploadNotFound;
}

impl PathId for Installation {
    const NOT_FOUND: Code = Code::DeviceNotFound;
}

impl<S: Send + Sync> FromRequestParts<S> for Path<RoomKey> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let parameters = RawPathParams::from_request_parts(parts, state).await.map_err(|_| RoomId::NOT_FOUND)?;
        let mut texts = parameters.iter().map(|(_, text)| text);
        let kind = texts.next().and_then(|text| text.parse().ok());
        let id = texts.next().and_then(|text| text.parse().ok());
        let (kind, id) = kind.zip(id).ok_or(RoomId::NOT_FOUND)?;
        Ok(Self(RoomKey { kind, id }))
    }
}

impl<T: PathId, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let parameters = RawPathParams::from_request_parts(parts, state).await.map_err(|_| T::NOT_FOUND)?;
        let id = parameters.iter().next().and_then(|(_, text)| text.parse().ok());
        Ok(Self(id.ok_or(T::NOT_FOUND)?))
    }
}

impl<T: FromStr + Default, S: Send + Sync> FromRequestParts<S> for Path<(RoomId, T)> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let parameters = RawPathParams::from_request_parts(parts, state).await.map_err(|_| RoomId::NOT_FOUND)?;
        let mut texts = parameters.iter().map(|(_, text)| text);
        let room = texts.next().and_then(|text| text.parse().ok()).ok_or(RoomId::NOT_FOUND)?;
        // Nobody has the id 0, so a malformed id gets what the room answers for an unknown one.
        let other = texts.next().and_then(|text| text.parse().ok()).unwrap_or_default();
        Ok(Self((room, other)))
    }
}

use crate::{ApiError, Json};
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::Fault;
use serde::Serialize;

/// 201 and what was made.
#[derive(Debug)]
pub struct Created<T>(pub T);

/// 202: what was asked for is in force, and the rest of it goes on.
#[derive(Debug, Clone, Copy)]
pub struct Accepted;

/// What was asked for, made now or there before: a repeated request is answered as the first one was, but for its status.
#[derive(Debug)]
pub enum MadeOrFound<T> {
    /// 201 and what was made.
    Made(T),
    /// 200 and what was there.
    Found(T),
}

/// 204: it is as was asked for, and there is nothing to say.
#[derive(Debug, Clone, Copy)]
pub struct NoContent;

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response(),
            Err(error) => ApiError::from(Fault::internal(error)).into_response(),
        }
    }
}

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        (StatusCode::CREATED, Json(self.0)).into_response()
    }
}

impl<T: Serialize> IntoResponse for MadeOrFound<T> {
    fn into_response(self) -> Response {
        match self {
            Self::Made(made) => Created(made).into_response(),
            Self::Found(found) => Json(found).into_response(),
        }
    }
}

impl<T> MadeOrFound<T> {
    /// The same with another thing.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> MadeOrFound<U> {
        match self {
            Self::Made(made) => MadeOrFound::Made(change(made)),
            Self::Found(found) => MadeOrFound::Found(change(found)),
        }
    }
}

impl IntoResponse for Accepted {
    fn into_response(self) -> Response {
        StatusCode::ACCEPTED.into_response()
    }
}

impl IntoResponse for NoContent {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

use crate::layers::seconds;
use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use contract::Problem;
use domain::{Code, Fault, Locale};
use std::sync::Arc;

/// What a handler answers: a view, or a refusal.
pub type ApiResult<T> = Result<T, ApiError>;

/// A fault on its way to a problem document; `?` makes it from anything that is a `Fault`.
#[derive(Debug)]
pub struct ApiError(Fault);

impl<E: Into<Fault>> From<E> for ApiError {
    fn from(fault: E) -> Self {
        Self(fault.into())
    }
}

impl IntoResponse for ApiError {
    /// A status and the fault: `layers` renders it, since only there locale and request id are known.
    fn into_response(self) -> Response {
        let mut response = status(self.0.code).into_response();
        response.extensions_mut().insert(Refusal(Arc::new(self.0)));
        response
    }
}

/// The document of a fault.
pub(crate) fn problem(fault: &Fault, locale: Locale, request_id: &str) -> Problem {
    Problem::new(fault, status(fault.code).canonical_reason().unwrap_or_default(), locale, request_id)
}

/// A fault that travels with its response from the handler to the layer that renders it.
#[derive(Debug, Clone)]
struct Refusal(Arc<Fault>);

/// Turns a refusal that the response carries into its document, and logs it where it is no fault of the client's.
pub(crate) fn render(mut response: Response, locale: Locale, request_id: &str) -> Response {
    let Some(Refusal(fault)) = response.extensions_mut().remove() else { return response };
    fault.log("answer a request");
    let problem = problem(&fault, locale, request_id);
    *response.body_mut() = Body::from(serde_json::to_vec(&problem).unwrap_or_default());
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(locale.as_str()));
    headers.insert(header::VARY, HeaderValue::from_static("accept-language"));
    if let Some(wait) = fault.retry_after {
        headers.insert(header::RETRY_AFTER, seconds(wait).into());
    }
    if let Some(challenge) = challenge(fault.code) {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    response
}

/// RFC 6750, 3: a 401 says how to authenticate, and whether the token was at fault.
fn challenge(code: Code) -> Option<&'static str> {
    match (code, code.status()) {
        (Code::TokenExpired, _) => Some(r#"Bearer error="invalid_token""#),
        (_, 401) => Some("Bearer"),
        _ => None,
    }
}

fn status(code: Code) -> StatusCode {
    StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

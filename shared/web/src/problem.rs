use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{Code, Fault, FieldFault, Invalid, Locale};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

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

/// A refusal as RFC 9457 has it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// Always `about:blank`: `code` says more.
    #[schema(value_type = String, example = "about:blank")]
    r#type: &'static str,
    /// The status in words.
    #[schema(value_type = String, example = "Not Found")]
    title: &'static str,
    /// The HTTP status.
    #[schema(example = 404)]
    status: u16,
    /// What went wrong, stable.
    #[schema(value_type = String, example = "room_not_found")]
    code: Code,
    /// A sentence for people, in the language of `Accept-Language` (ko, en).
    #[schema(value_type = String, example = "The room was not found.")]
    detail: &'static str,
    /// What to name when asking for help.
    #[schema(value_type = String)]
    request_id: Arc<str>,
    /// The fields that were refused, with `invalid_fields`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<FieldProblem>,
}

/// A field that was refused.
#[derive(Debug, Serialize, ToSchema)]
pub struct FieldProblem {
    /// Its path in the request.
    #[schema(example = "email")]
    field: String,
    /// Why, stable.
    #[schema(value_type = String, example = "bad_format")]
    code: Invalid,
    /// A sentence for people.
    #[schema(value_type = String, example = "It is not in the expected format.")]
    detail: &'static str,
}

impl Problem {
    pub(crate) fn new(fault: &Fault, locale: Locale, request_id: Arc<str>) -> Self {
        let status = status(fault.code);
        let told = |fault: &FieldFault| FieldProblem {
            field: fault.field.clone().into_owned(),
            code: fault.reason,
            detail: fault.reason.text(locale),
        };
        Self {
            r#type: "about:blank",
            title: status.canonical_reason().unwrap_or_default(),
            status: status.as_u16(),
            code: fault.code,
            detail: fault.code.text(locale),
            request_id,
            errors: fault.fields.iter().map(told).collect(),
        }
    }
}

/// A fault that travels with its response from the handler to the layer that renders it.
#[derive(Debug, Clone)]
struct Refusal(Arc<Fault>);

/// Turns a refusal that the response carries into its document, and logs it where it is no fault of the client's.
pub(crate) fn render(mut response: Response, locale: Locale, request_id: &Arc<str>) -> Response {
    let Some(Refusal(fault)) = response.extensions_mut().remove() else { return response };
    log(&fault);
    let problem = Problem::new(&fault, locale, Arc::clone(request_id));
    *response.body_mut() = Body::from(serde_json::to_vec(&problem).unwrap_or_default());
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(locale.as_str()));
    headers.insert(header::VARY, HeaderValue::from_static("accept-language"));
    if let Some(wait) = fault.retry_after {
        // Whole seconds, never too few.
        headers.insert(header::RETRY_AFTER, wait.as_millis().div_ceil(1_000).try_into().unwrap_or(u32::MAX).into());
    }
    if let Some(challenge) = challenge(fault.code) {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    response
}

fn log(fault: &Fault) {
    let (code, cause) = (fault.code.as_str(), fault.source.as_deref());
    match (fault.code.status(), cause) {
        (503, Some(cause)) => tracing::warn!(code, "Refused as unavailable: {}", chain(cause)),
        (500.., Some(cause)) => tracing::error!(code, "Failed: {}", chain(cause)),
        (500.., None) => tracing::error!(code, "Failed without a cause"),
        (_, Some(cause)) => tracing::info!(code, "Refused: {}", chain(cause)),
        (_, None) => tracing::debug!(code, "Refused"),
    }
}

/// An error and what it came from, in one line.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string).collect::<Vec<_>>().join(": ")
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

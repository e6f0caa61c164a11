use crate::{ApiError, ApiResult, Language, problem::render};
use axum::{
    Router,
    body::Body,
    extract::{MatchedPath, Request},
    http::{Extensions, HeaderName, HeaderValue, Method, header},
    middleware::{Next, from_fn},
    response::{IntoResponse as _, Response},
};
use domain::{Code, Fault};
use lambda_http::{RequestExt as _, request::RequestContext};
use std::{any::Any, sync::Arc};
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument as _;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The router with everything that surrounds a handler: problems, request ids, deadline, panics, 404 and 405.
pub fn layers(router: Router) -> Router {
    router
        .fallback(route_not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(manners))
}

async fn manners(request: Request, next: Next) -> Response {
    let (request_id, is_head) = (request_id(request.extensions()), request.method() == Method::HEAD);
    let Language(locale) = Language::of(request.headers());
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str).unwrap_or_default();
    let span = tracing::info_span!("request", request.id = &*request_id, method = %request.method(), route);

    // Without Lambda, as in tests, only API Gateway's limit counts.
    let deadline_ms = request.extensions().lambda_context_ref().map_or(u64::MAX, |context| context.deadline);
    let answer = tokio::time::timeout(boot::time_left(deadline_ms), next.run(request)).instrument(span.clone()).await;
    let late = |_| ApiError::from(Fault::unavailable("the deadline passed")).into_response();
    let mut response = span.in_scope(|| render(answer.unwrap_or_else(late), locale, &request_id));

    if is_head {
        *response.body_mut() = Body::empty();
    }
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if let Ok(id) = HeaderValue::from_str(&request_id) {
        headers.insert(REQUEST_ID, id);
    }
    response
}

/// API Gateway's id, which its access log has too; else Lambda's.
fn request_id(extensions: &Extensions) -> Arc<str> {
    let gateway = match extensions.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => context.request_id.as_deref(),
        _ => None,
    };
    let lambda = extensions.lambda_context_ref().map(|context| context.request_id.as_str());
    gateway.or(lambda).unwrap_or("unknown").into()
}

async fn route_not_found() -> ApiResult<()> {
    Err(Code::RouteNotFound.into())
}

async fn method_not_allowed() -> ApiResult<()> {
    Err(Code::MethodNotAllowed.into())
}

// `boot`'s panic hook has logged where and why.
fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    ApiError::from(Fault::internal("a handler panicked")).into_response()
}

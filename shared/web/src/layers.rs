use crate::{ApiError, ApiResult, Language, problem::render};
use axum::{
    Router,
    body::Body,
    extract::{MatchedPath, Request},
    http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, header},
    middleware::{Next, from_fn},
    response::{IntoResponse as _, Response},
};
use boot::Cost;
use domain::{Code, Fault, Usage};
use lambda_http::{RequestExt as _, request::RequestContext};
use mongo::{Quota, with_quotas};
use std::{any::Any, sync::Arc, time::Duration};
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument as _;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// The router with everything that surrounds a handler: problems, request ids, deadline, panics, 404 and 405.
pub fn layers(router: Router) -> Router {
    router
        .fallback(route_not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(manners))
}

async fn manners(request: Request, next: Next) -> Response {
    Cost::begin();
    Usage::count_gateway_message();
    let (request_id, is_head) = (request_id(request.extensions()), request.method() == Method::HEAD);
    let Language(locale) = Language::of(request.headers());
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str).unwrap_or_default();
    let span = tracing::info_span!("request", request.id = &*request_id, method = %request.method(), route);

    // Without Lambda, as in tests, only API Gateway's limit counts.
    let deadline_ms = request.extensions().lambda_context_ref().map_or(u64::MAX, |context| context.deadline);
    let answer = tokio::time::timeout(boot::time_left(deadline_ms), next.run(request)).instrument(span.clone());
    let (answer, quotas) = with_quotas(answer).await;
    let late = |_| ApiError::from(Fault::unavailable("the deadline passed")).into_response();
    let mut response = span.in_scope(|| {
        Cost::log();
        render(answer.unwrap_or_else(late), locale, &request_id)
    });

    if is_head {
        *response.body_mut() = Body::empty();
    }
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if let Ok(id) = HeaderValue::from_str(&request_id) {
        headers.insert(REQUEST_ID, id);
    }
    show_quotas(headers, &quotas);
    response
}

/// draft-ietf-httpapi-ratelimit-headers: the limits that counted for this request, and what is left of them. `t` is when one more
/// request is allowed.
fn show_quotas(headers: &mut HeaderMap, quotas: &[Quota]) {
    if quotas.is_empty() {
        return;
    }
    let list = |item: fn(&Quota) -> String| quotas.iter().map(item).collect::<Vec<_>>().join(", ");
    let policies = list(|quota| format!(r#""{}";q={};w={}"#, quota.name, quota.burst, seconds(quota.window)));
    let left = list(|quota| format!(r#""{}";r={};t={}"#, quota.name, quota.left, seconds(quota.more_in)));
    for (name, value) in [(RATE_LIMIT_POLICY, policies), (RATE_LIMIT, left)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
}

/// Whole seconds, never too few.
pub(crate) fn seconds(time: Duration) -> u32 {
    time.as_millis().div_ceil(1_000).try_into().unwrap_or(u32::MAX)
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

use axum::{extract::FromRequestParts, http::request::Parts};
use lambda_http::{RequestExt as _, request::RequestContext};
use std::convert::Infallible;

/// The address that the request came from, as API Gateway saw it; no header of the client's changes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientIp(pub String);

impl<S: Sync> FromRequestParts<S> for ClientIp {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let ip = match parts.extensions.request_context_ref() {
            Some(RequestContext::ApiGatewayV2(context)) => context.http.source_ip.clone(),
            _ => None,
        };
        Ok(Self(ip.unwrap_or_else(|| "unknown".to_owned())))
    }
}

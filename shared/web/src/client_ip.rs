use axum::{
    extract::{FromRef, FromRequestParts},
    http::{HeaderMap, request::Parts},
};
use credentials::hash_hex;
use lambda_http::{RequestExt as _, request::RequestContext};
use std::{convert::Infallible, net::IpAddr, sync::Arc};

/// What a proxy of ours shows its key in.
const PROXY_KEY: &str = "x-trusted-proxy-key";

/// What it says of the client: address and port, as `CloudFront` has them.
const VIEWER: &str = "cloudfront-viewer-address";

/// The address that the request came from, as API Gateway or a proxy of ours saw it; no header of the client's changes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientIp(pub String);

/// Knows a proxy of ours before the API by its key; a function's state offers it by `FromRef`.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxy {
    /// What is compared in constant time are hashes.
    key_hash: Option<Arc<str>>,
}

impl TrustedProxy {
    /// A proxy with this key; without one no proxy is trusted.
    pub fn new(key: Option<&str>) -> Self {
        Self { key_hash: key.map(|key| hash_hex(key.as_bytes()).into()) }
    }

    /// The client's address, where such a proxy says it.
    fn viewer(&self, headers: &HeaderMap) -> Option<IpAddr> {
        let key_hash = self.key_hash.as_deref()?;
        let shown = headers.get(PROXY_KEY)?;
        if hash_hex(shown.as_bytes()) != key_hash {
            return None;
        }
        // An address of IPv6 may stand without brackets.
        let (ip, _port) = headers.get(VIEWER)?.to_str().ok()?.rsplit_once(':')?;
        ip.trim_start_matches('[').trim_end_matches(']').parse().ok()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ClientIp
where
    TrustedProxy: FromRef<S>,
{
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        if let Some(ip) = TrustedProxy::from_ref(state).viewer(&parts.headers) {
            return Ok(Self(ip.to_string()));
        }
        let ip = match parts.extensions.request_context_ref() {
            Some(RequestContext::ApiGatewayV2(context)) => context.http.source_ip.clone(),
            _ => None,
        };
        Ok(Self(ip.unwrap_or_else(|| "unknown".to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(key: &str) -> HeaderMap {
        let pairs = [(PROXY_KEY, key), (VIEWER, "198.51.100.7:443")];
        pairs.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).into_iter().collect()
    }

    #[test]
    fn no_proxy_is_trusted_without_a_key() {
        for key in ["", "0123456789abcdef0123456789abcdef"] {
            assert_eq!(TrustedProxy::new(None).viewer(&headers(key)), None);
        }
    }
}

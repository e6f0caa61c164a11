use axum::{
    http::{
        HeaderMap, StatusCode,
        header::{
            CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
            X_CONTENT_TYPE_OPTIONS,
        },
    },
    response::{IntoResponse as _, Response},
};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// A file of this crate, as it is served.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Document {
    content_type: &'static str,
    content_encoding: Option<&'static str>,
    policy: Option<&'static str>,
    body: &'static [u8],
}

impl Document {
    pub(crate) const fn new(content_type: &'static str, body: &'static [u8]) -> Self {
        Self { content_type, content_encoding: None, policy: None, body }
    }

    pub(crate) const fn json(text: &'static str) -> Self {
        Self::new("application/json", text.as_bytes())
    }

    /// What came compressed stays so, whatever `Accept-Encoding` says: every browser reads it.
    pub(crate) const fn gzip(content_type: &'static str, body: &'static [u8]) -> Self {
        Self { content_encoding: Some("gzip"), ..Self::new(content_type, body) }
    }

    /// A page that may do what its `Content-Security-Policy` says.
    pub(crate) const fn page(html: &'static str, policy: &'static str) -> Self {
        Self { policy: Some(policy), ..Self::new("text/html; charset=utf-8", html.as_bytes()) }
    }

    /// The document, or 304 to a client that holds it.
    pub(crate) fn answer(self, headers: &HeaderMap) -> Response {
        let mut hasher = DefaultHasher::new();
        self.body.hash(&mut hasher);
        let tag = format!("\"{:016x}\"", hasher.finish());
        let held = headers.get(IF_NONE_MATCH).and_then(|held| held.to_str().ok()).unwrap_or_default();
        let same = held.split(',').map(str::trim).any(|held| held == "*" || held.trim_start_matches("W/") == tag);
        let caching = [(ETAG, tag.as_str()), (CACHE_CONTROL, "public, max-age=300")];
        if same {
            return (StatusCode::NOT_MODIFIED, caching).into_response();
        }
        let content = [(CONTENT_TYPE, self.content_type), (X_CONTENT_TYPE_OPTIONS, "nosniff")];
        let encoding = self.content_encoding.map(|encoding| [(CONTENT_ENCODING, encoding)]);
        let policy = self.policy.map(|policy| [(CONTENT_SECURITY_POLICY, policy)]);
        (caching, content, encoding, policy, self.body).into_response()
    }
}

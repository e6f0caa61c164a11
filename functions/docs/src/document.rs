use axum::{
    http::{
        HeaderMap, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, X_CONTENT_TYPE_OPTIONS},
    },
    response::{IntoResponse as _, Response},
};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// A file of this crate, as it is served.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Document {
    content_type: &'static str,
    body: &'static [u8],
}

impl Document {
    pub(crate) const fn new(content_type: &'static str, body: &'static [u8]) -> Self {
        Self { content_type, body }
    }

    pub(crate) const fn json(text: &'static str) -> Self {
        Self::new("application/json", text.as_bytes())
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
        (caching, content, self.body).into_response()
    }
}

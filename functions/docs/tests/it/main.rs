//! The documents and the pages, as a client fetches and keeps them.
#![expect(clippy::unwrap_used, reason = "a test ends where its set-up fails")]

mod assets;
mod documents;
mod pages;

use axum::{
    body::{Body, to_bytes},
    http::{Request, StatusCode, response::Parts},
    response::Response,
};
use tower::ServiceExt as _;

async fn get_unless_held(path: &str, held: &str) -> Response {
    let request = Request::get(path).header("if-none-match", held).body(Body::empty()).unwrap();
    web::layers(docs::routes().into()).oneshot(request).await.unwrap()
}

/// A file that must be there: its headers, as text, and its body.
struct File {
    response: Parts,
    body: Vec<u8>,
}

impl File {
    async fn get(path: &str) -> Self {
        let (response, body) = get_unless_held(path, "").await.into_parts();
        assert_eq!(response.status, StatusCode::OK, "{path}");
        Self { response, body: to_bytes(body, usize::MAX).await.unwrap().to_vec() }
    }

    /// Empty where there is none.
    fn header(&self, name: &str) -> &str {
        self.response.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    fn text(&self) -> &str {
        str::from_utf8(&self.body).unwrap()
    }
}

//! The documents, as a client fetches and keeps them.
#![expect(clippy::unwrap_used, reason = "a test ends where its stage does not stand")]

use axum::{
    body::{Body, to_bytes},
    http::{Request, StatusCode},
    response::Response,
};
use serde_json::Value;
use tower::ServiceExt as _;

async fn get(path: &str, held: &str) -> Response {
    let request = Request::get(path).header("if-none-match", held).body(Body::empty()).unwrap();
    web::layers(docs::router()).oneshot(request).await.unwrap()
}

#[tokio::test]
async fn both_documents_are_json() {
    for path in ["/openapi.json", "/asyncapi.json"] {
        let response = get(path, "").await;
        assert_eq!(
            (response.status(), &response.headers()["content-type"]),
            (StatusCode::OK, &"application/json".parse().unwrap())
        );
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        assert!(serde_json::from_slice::<Value>(&body).unwrap().is_object());
    }
}

#[tokio::test]
async fn a_document_is_sent_once() {
    let first = get("/openapi.json", r#""other""#).await;
    assert_eq!(&first.headers()["cache-control"], "public, max-age=300");
    let tag = first.headers()["etag"].to_str().unwrap().to_owned();

    for held in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
        let again = get("/openapi.json", &held).await;
        assert_eq!(
            (again.status(), again.headers()["etag"].to_str().unwrap()),
            (StatusCode::NOT_MODIFIED, tag.as_str())
        );
    }
}

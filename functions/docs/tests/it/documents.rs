use crate::{File, get_unless_held};
use axum::http::StatusCode;
use serde_json::Value;

#[tokio::test]
async fn both_documents_are_json() {
    for path in ["/openapi.json", "/asyncapi.json"] {
        let file = File::get(path).await;
        assert_eq!(file.header("content-type"), "application/json");
        assert!(serde_json::from_str::<Value>(file.text()).unwrap().is_object());
    }
}

#[tokio::test]
async fn unchanged_documents_answer_304() {
    for path in ["/openapi.json", "/asyncapi.json", "/docs", "/redoc", "/docs/assets/swagger-ui-bundle.js"] {
        let first = get_unless_held(path, r#""other""#).await;
        assert_eq!(&first.headers()["cache-control"], "public, max-age=300");
        let tag = first.headers()["etag"].to_str().unwrap().to_owned();

        for held in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
            let again = get_unless_held(path, &held).await;
            assert_eq!(
                (again.status(), again.headers()["etag"].to_str().unwrap()),
                (StatusCode::NOT_MODIFIED, tag.as_str()),
                "{path}"
            );
        }
    }
}

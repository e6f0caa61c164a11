use crate::{File, get_unless_held};
use axum::{body::to_bytes, http::StatusCode};
use flate2::read::GzDecoder;
use serde_json::Value;
use std::io::Read as _;

/// An asset that came compressed, as a browser reads it.
async fn unpacked(name: &str) -> String {
    let file = File::get(&format!("/docs/assets/{name}")).await;
    assert_eq!(file.header("content-encoding"), "gzip", "{name}");
    let mut text = String::new();
    GzDecoder::new(&*file.body).read_to_string(&mut text).unwrap();
    text
}

#[tokio::test]
async fn assets_have_content_types() {
    for (name, kind) in [
        ("page.css", "text/css"),
        ("docs.js", "text/javascript"),
        ("redoc.js", "text/javascript"),
        ("swagger-ui.css", "text/css"),
        ("swagger-ui-bundle.js", "text/javascript"),
        ("swagger-ui-bundle.js.LICENSE.txt", "text/plain"),
        ("redoc.standalone.js", "text/javascript"),
        ("redoc.standalone.js.LICENSE.txt", "text/plain"),
    ] {
        let file = File::get(&format!("/docs/assets/{name}")).await;
        assert_eq!(file.header("content-type"), format!("{kind}; charset=utf-8"), "{name}");
        assert_eq!(file.header("x-content-type-options"), "nosniff", "{name}");
    }
}

#[tokio::test]
async fn compressed_assets_unpack_to_the_scripts() {
    assert!(unpacked("swagger-ui-bundle.js").await.contains(".SwaggerUIBundle="));
    assert!(unpacked("swagger-ui.css").await.starts_with(".swagger-ui"));
    assert!(unpacked("redoc.standalone.js").await.contains(".Redoc="));
}

#[tokio::test]
async fn bundles_come_with_their_licences() {
    for (bundle, licence) in [("swagger-ui-bundle.js", "Apache License"), ("redoc.standalone.js", "The MIT License")] {
        let licences = format!("{bundle}.LICENSE.txt");
        assert!(unpacked(bundle).await.contains(&format!("license information please see {licences}")), "{bundle}");
        let served = File::get(&format!("/docs/assets/{licences}")).await;
        assert!(served.text().contains(licence) && served.text().contains("@license React"), "{bundle}");
    }
}

#[tokio::test]
async fn redoc_fetches_no_foreign_logo() {
    assert!(!unpacked("redoc.standalone.js").await.contains("//cdn."));
}

#[tokio::test]
async fn unknown_asset_answers_404() {
    for name in ["other.js", "README.md", "docs.html", "swagger-ui.css.gz", "..%2Fopenapi.json"] {
        let response = get_unless_held(&format!("/docs/assets/{name}"), "").await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{name}");
        assert_eq!(&response.headers()["content-type"], "application/problem+json");
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&body).unwrap()["code"], "route_not_found", "{name}");
    }
}

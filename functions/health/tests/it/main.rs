//! Readiness, over stores that are there, empty or away.
#![expect(clippy::unwrap_used, reason = "a test ends where its set-up fails")]

use axum::{
    body::{Body, to_bytes},
    http::{Request, StatusCode},
};
use health::App;
use mysql::Mysql;
use serde_json::{Value, json};
use tower::ServiceExt as _;

const NO_MONGO: &str = "mongodb://127.0.0.1:1/none";
const NO_MYSQL: &str = "mysql://root@127.0.0.1:1/none";

async fn get(app: App, path: &str) -> (StatusCode, Value) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let response = web::layers(health::routes().with_state(app).into()).oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    (parts.status, serde_json::from_slice(&to_bytes(body, usize::MAX).await.unwrap()).unwrap())
}

fn unready(mysql: &str, mongo: &str, schema: &str) -> (StatusCode, Value) {
    let checks = json!({"mysql": mysql, "mongo": mongo, "schema": schema});
    (StatusCode::SERVICE_UNAVAILABLE, json!({"status": "unready", "checks": checks}))
}

#[tokio::test]
async fn health_needs_no_store() {
    let app = App::new(Mysql::connect(NO_MYSQL, 1).unwrap(), NO_MONGO);

    let (status, health) = get(app, "/health").await;

    assert_eq!((status, health), (StatusCode::OK, json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")})));
}

#[tokio::test]
async fn both_stores_make_it_ready() {
    let (mysql, mongo) = (testkit::mysql::Database::new().await, testkit::mongo::Database::new().await);

    let (status, readiness) = get(App::new(mysql.mysql.clone(), &mongo.url), "/health/ready").await;

    let checks = json!({"mysql": "ok", "mongo": "ok", "schema": "current"});
    assert_eq!((status, readiness), (StatusCode::OK, json!({"status": "ready", "checks": checks})));
}

#[tokio::test]
async fn empty_store_has_old_schema() {
    let (mysql, mongo) = (testkit::mysql::Database::empty().await, testkit::mongo::Database::empty().await);
    let migrated = (testkit::mysql::Database::new().await, testkit::mongo::Database::new().await);

    let old_mysql = App::new(mysql.mysql.clone(), &migrated.1.url);
    assert_eq!(get(old_mysql, "/health/ready").await, unready("ok", "ok", "behind"));
    let old_mongo = App::new(migrated.0.mysql.clone(), &mongo.url);
    assert_eq!(get(old_mongo, "/health/ready").await, unready("ok", "ok", "behind"));
}

#[tokio::test]
async fn unreachable_store_does_not_hide_the_other() {
    let (mysql, mongo) = (testkit::mysql::Database::new().await, testkit::mongo::Database::empty().await);

    let no_mongo = App::new(mysql.mysql.clone(), NO_MONGO);
    assert_eq!(get(no_mongo, "/health/ready").await, unready("ok", "unreachable", "unknown"));
    let no_mysql = App::new(Mysql::connect(NO_MYSQL, 1).unwrap(), &mongo.url);
    assert_eq!(get(no_mysql, "/health/ready").await, unready("unreachable", "ok", "behind"));
}

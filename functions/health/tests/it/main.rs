//! Readiness, over stores that are there, empty or away.
#![expect(clippy::unwrap_used, reason = "a test ends where its set-up fails")]

use axum::{
    body::{Body, to_bytes},
    http::{Request, StatusCode},
};
use domain::{Clock, Code, Timestamp};
use futures_util::future::join_all;
use health::App;
use mysql::Mysql;
use serde_json::{Value, json};
use std::{cell::Cell, time::Duration};
use testkit::proxy::Proxy;
use tower::ServiceExt as _;

const NOON: Timestamp = Timestamp::from_millis(1_790_000_000_000);
const NO_MONGO: &str = "mongodb://127.0.0.1:1/none";
const NO_MYSQL: &str = "mysql://root@127.0.0.1:1/none";

fn app(mysql: Mysql, mongo_url: &str) -> App {
    App::new(mysql, mongo_url, Clock(|| NOON))
}

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
    let (status, health) = get(app(Mysql::connect(NO_MYSQL, 1).unwrap(), NO_MONGO), "/health").await;

    assert_eq!((status, health), (StatusCode::OK, json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")})));
}

#[tokio::test]
async fn both_stores_make_it_ready() {
    let (mysql, mongo) = (testkit::mysql::Database::new().await, testkit::mongo::Database::new().await);

    let (status, readiness) = get(app(mysql.mysql.clone(), &mongo.url), "/health/ready").await;

    let checks = json!({"mysql": "ok", "mongo": "ok", "schema": "current"});
    assert_eq!((status, readiness), (StatusCode::OK, json!({"status": "ready", "checks": checks})));
}

#[tokio::test]
async fn empty_store_has_old_schema() {
    let (mysql, mongo) = (testkit::mysql::Database::empty().await, testkit::mongo::Database::empty().await);
    let migrated = (testkit::mysql::Database::new().await, testkit::mongo::Database::new().await);

    let old_mysql = app(mysql.mysql.clone(), &migrated.1.url);
    assert_eq!(get(old_mysql, "/health/ready").await, unready("ok", "ok", "behind"));
    let old_mongo = app(migrated.0.mysql.clone(), &mongo.url);
    assert_eq!(get(old_mongo, "/health/ready").await, unready("ok", "ok", "behind"));
}

#[tokio::test]
async fn unreachable_store_does_not_hide_the_other() {
    let (mysql, mongo) = (testkit::mysql::Database::new().await, testkit::mongo::Database::empty().await);

    let no_mongo = app(mysql.mysql.clone(), NO_MONGO);
    assert_eq!(get(no_mongo, "/health/ready").await, unready("ok", "unreachable", "unknown"));
    let no_mysql = app(Mysql::connect(NO_MYSQL, 1).unwrap(), &mongo.url);
    assert_eq!(get(no_mysql, "/health/ready").await, unready("unreachable", "ok", "behind"));
}

thread_local! {
    static NOW: Cell<Timestamp> = const { Cell::new(NOON) };
}

#[tokio::test]
async fn two_hundred_readiness_requests_open_one_connection() {
    let (database, mongo) = (testkit::mysql::Database::new().await, testkit::mongo::Database::new().await);
    let (proxy, url) = Proxy::before(&database.url).await;
    let app = app(Mysql::connect(&url, Mysql::LAMBDA_CONNECTIONS).unwrap(), &mongo.url);

    let answers = join_all((0..200).map(|_| get(app.clone(), "/health/ready"))).await;

    assert!(answers.iter().all(|(status, _)| *status == StatusCode::OK));
    assert_eq!(proxy.connections(), 1);
}

#[tokio::test]
async fn readiness_is_asked_anew_after_five_seconds() {
    let (database, mongo) = (testkit::mysql::Database::new().await, testkit::mongo::Database::new().await);
    let (proxy, url) = Proxy::before(&database.url).await;
    let mysql = Mysql::connect(&url, Mysql::LAMBDA_CONNECTIONS).unwrap();
    let app = App::new(mysql, &mongo.url, Clock(|| NOW.get()));
    assert_eq!(get(app.clone(), "/health/ready").await.0, StatusCode::OK);
    proxy.cut();

    NOW.set(NOON.plus(Duration::from_millis(4_999)));
    assert_eq!(get(app.clone(), "/health/ready").await.0, StatusCode::OK);
    NOW.set(NOON.plus(Duration::from_secs(5)));
    assert_eq!(get(app, "/health/ready").await.0, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn readiness_needs_no_right_but_to_read_the_version() {
    let (database, mongo) = (testkit::mysql::Database::new().await, testkit::mongo::Database::new().await);
    let mysql = Mysql::connect(&database.url_of("chat_health").await, 1).unwrap();

    assert_eq!(get(app(mysql.clone(), &mongo.url), "/health/ready").await.0, StatusCode::OK);
    assert_eq!(mysql.outbox().count().await.unwrap_err().code, Code::Internal);
}

//! Accounts and their tokens, over real stores.
#![expect(clippy::unwrap_used, reason = "a test ends where its stage does not stand")]

use auth::App;
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode},
};
use credentials::{AccessTokens, RefreshTokens, Ticket};
use domain::{Clock, SessionId, Timestamp, UserId};
use serde_json::{Value, json};
use std::time::Duration;
use tower::ServiceExt as _;

const KEY: &str = "0123456789abcdef0123456789abcdef";
const NOON: Timestamp = Timestamp::from_millis(1_790_000_000_000);
const PASSWORD: &str = "비밀번호 1234";

struct House {
    mongo: testkit::mongo::Database,
    tokens: AccessTokens,
    router: Router,
    _mysql: testkit::mysql::Database,
}

impl House {
    async fn new() -> Self {
        let (mysql, mongo) = tokio::join!(testkit::mysql::Database::new(), testkit::mongo::Database::new());
        let tokens = AccessTokens::new("HS256", KEY, None, Duration::from_mins(15)).unwrap();
        let app = App {
            mysql: mysql.mysql.clone(),
            mongo: mongo.mongo.clone(),
            access_tokens: tokens.clone(),
            refresh_tokens: RefreshTokens::new(KEY, None),
            websocket_url: "wss://chat.example/v1".into(),
            clock: Clock(|| NOON),
            random: boot::random(),
        };
        Self { mongo, tokens, router: web::layers(auth::router(app)), _mysql: mysql }
    }

    async fn ask(&self, request: Request<Body>) -> (StatusCode, Value) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        (parts.status, serde_json::from_slice(&body).unwrap())
    }

    async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        let request = Request::post(path).header("content-type", "application/json").header("accept-language", "ko");
        self.ask(request.body(Body::from(body.to_string())).unwrap()).await
    }

    async fn register(&self, email: &str, username: &str) -> (StatusCode, Value) {
        self.post("/auth/register", &json!({"email": email, "username": username, "password": PASSWORD})).await
    }

    async fn log_in(&self, email: &str, password: &str) -> (StatusCode, Value) {
        self.post("/auth/login", &json!({"email": email, "password": password})).await
    }

    async fn ticket(&self, access_token: &str) -> (StatusCode, Value) {
        let request = Request::post("/auth/ticket").header("authorization", format!("Bearer {access_token}"));
        self.ask(request.body(Body::empty()).unwrap()).await
    }
}

#[tokio::test]
async fn someone_signs_up_and_logs_in() {
    let house = House::new().await;

    let (status, account) = house.register("Minji@Example.com", "민지").await;
    assert_eq!(status, StatusCode::CREATED);
    assert_eq!(
        account,
        json!({"id": account["id"], "email": "Minji@Example.com", "username": "민지", "display_name": null,
            "status_message": null, "created_at": "2026-09-21T14:13:20.000Z", "updated_at": "2026-09-21T14:13:20.000Z"})
    );

    let (status, tokens) = house.log_in("minji@example.COM", PASSWORD).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("bearer"), &json!(900)));
    let claims = house.tokens.verify(tokens["access_token"].as_str().unwrap(), NOON).unwrap();
    assert_eq!(json!(claims.user), account["id"]);
    let refresh = RefreshTokens::new(KEY, None).verify(tokens["refresh_token"].as_str().unwrap()).unwrap();
    assert_eq!((refresh.session, refresh.generation), (claims.session, 1));
}

#[tokio::test]
async fn a_login_may_come_as_oauth2_has_it() {
    let house = House::new().await;
    house.register("minji@example.com", "민지").await;
    let form = "grant_type=password&username=minji%40example.com&password=%EB%B9%84%EB%B0%80%EB%B2%88%ED%98%B8+1234&scope=&client_id=&client_secret=";

    let request = Request::post("/auth/login").header("content-type", "application/x-www-form-urlencoded");
    let (status, tokens) = house.ask(request.body(Body::from(form)).unwrap()).await;

    assert_eq!((status, &tokens["token_type"]), (StatusCode::OK, &json!("bearer")));
}

#[tokio::test]
async fn a_name_is_taken_in_every_spelling() {
    let house = House::new().await;
    house.register("minji@example.com", "Minji").await;

    for (email, username, code) in [
        ("MINJI@example.com", "other", "email_taken"),
        ("other@example.com", "mINJI", "username_taken"),
        ("other@example.com", "Ｍｉｎｊｉ", "username_taken"),
    ] {
        let (status, problem) = house.register(email, username).await;
        assert_eq!((status, problem["code"].as_str()), (StatusCode::CONFLICT, Some(code)), "{email} {username}");
    }
}

#[tokio::test]
async fn every_bad_field_is_named_at_once() {
    let house = House::new().await;
    let body = json!({"email": "minji", "username": "민 지", "password": "short", "display_name": " "});

    let (status, problem) = house.post("/auth/register", &body).await;

    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    insta::assert_snapshot!(problem["errors"].to_string(), @r#"[{"code":"bad_format","detail":"형식이 올바르지 않습니다.","field":"email"},{"code":"forbidden_character","detail":"사용할 수 없는 문자가 있습니다.","field":"username"},{"code":"too_short","detail":"너무 짧습니다.","field":"password"},{"code":"blank","detail":"빈 값은 사용할 수 없습니다.","field":"display_name"}]"#);
}

#[tokio::test]
async fn a_name_in_decomposed_hangul_is_kept_composed() {
    let house = House::new().await;

    let (_, account) = house.register("minji@example.com", "\u{1106}\u{1175}\u{11ab}\u{110c}\u{1175}").await;

    assert_eq!(account["username"], "민지");
}

#[tokio::test]
async fn a_refused_login_does_not_say_why() {
    let house = House::new().await;
    house.register("minji@example.com", "민지").await;

    let (_, wrong_password) = house.log_in("minji@example.com", "another password").await;
    assert_eq!(wrong_password["code"], "invalid_credentials");
    for (email, password) in [("nobody@example.com", PASSWORD), ("minji@example.com", "x"), ("nobody", PASSWORD)] {
        let (status, problem) = house.log_in(email, password).await;
        assert_eq!((status, &problem), (StatusCode::UNAUTHORIZED, &wrong_password), "{email}");
    }
}

#[tokio::test]
async fn a_ticket_is_kept_as_a_hash_for_a_minute() {
    let house = House::new().await;
    let session = SessionId("5e55".to_owned());
    let access_token = house.tokens.issue(UserId(3), &session, NOON).unwrap();

    let (status, ticket) = house.ticket(&access_token).await;

    assert_eq!(status, StatusCode::CREATED);
    assert_eq!(ticket["url"], "wss://chat.example/v1");
    assert_eq!(ticket["expires_at"], "2026-09-21T14:14:20.000Z");
    let hash = Ticket::parse(ticket["ticket"].as_str().unwrap()).unwrap().hash();
    let owner = house.mongo.mongo.burn_ticket(hash.as_str(), NOON).await.unwrap();
    assert_eq!(owner, Some((UserId(3), session)));
}

#[tokio::test]
async fn a_revoked_session_gets_no_ticket() {
    let house = House::new().await;
    let session = SessionId("5e55".to_owned());
    let access_token = house.tokens.issue(UserId(3), &session, NOON).unwrap();
    house.mongo.mongo.insert_revocation(&session, boot::clock().now().plus(Duration::from_hours(1))).await.unwrap();

    let (status, problem) = house.ticket(&access_token).await;

    assert_eq!((status, &problem["code"]), (StatusCode::UNAUTHORIZED, &json!("unauthenticated")));
}

//! The manners of a router under `layers`, as a client meets them.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test ends where its stage does not stand")]

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::FromRef,
    http::{HeaderMap, Request, StatusCode},
    routing::{get, post},
};
use domain::{Clock, Code, Fault, Invalid, RoomId, SessionId, Timestamp, UserId};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Duration};
use tower::ServiceExt as _;
use web::{ApiResult, Caller, ClientIp, Created, Gatekeeper, Json, Path, TrustedProxy};

const KEY: &str = "0123456789abcdef0123456789abcdef";
const NOON: Timestamp = Timestamp::from_millis(1_790_000_000_000);

#[derive(Clone)]
struct App(Gatekeeper);

impl FromRef<App> for Gatekeeper {
    fn from_ref(app: &App) -> Self {
        app.0.clone()
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Note {
    text: String,
    seq: Option<i64>,
}

impl FromRef<App> for TrustedProxy {
    fn from_ref(_: &App) -> Self {
        Self::new(Some(KEY))
    }
}

async fn create_note(Json(note): Json<Note>) -> ApiResult<Created<Note>> {
    Ok(Created(note))
}

async fn get_room(Path(room): Path<RoomId>) -> ApiResult<Json<i32>> {
    if room == RoomId(1) { Ok(Json(1)) } else { Err(Code::RoomNotFound.into()) }
}

async fn fail() -> ApiResult<()> {
    Err(Fault::internal("SELECT secret FROM table").into())
}

async fn refuse() -> ApiResult<()> {
    Err(Fault::field("email", Invalid::BadFormat).into())
}

async fn panic() -> ApiResult<()> {
    panic!("a secret")
}

async fn slow() {
    tokio::time::sleep(Duration::from_mins(1)).await;
}

async fn who(caller: Caller) -> String {
    format!("{} {}", caller.id, caller.session)
}

async fn whence(ClientIp(ip): ClientIp) -> String {
    ip
}

async fn slow_down() -> ApiResult<()> {
    Err(Fault::rate_limited(Duration::from_millis(1_001)).into())
}

fn tokens() -> credentials::AccessTokens {
    credentials::AccessTokens::new("HS256", KEY, None, Duration::from_mins(15)).unwrap()
}

/// A router whose MongoDB is away.
async fn router() -> Router {
    let mongo = mongo::Mongo::connect("mongodb://127.0.0.1:1/none?serverSelectionTimeoutMS=50").await.unwrap();
    let limits = boot::Settings::without_secrets(BTreeMap::new()).limits().unwrap();
    let (clock, random) = (Clock(|| NOON), domain::Random(|bytes| bytes.fill(0)));
    let app = App(Gatekeeper { tokens: tokens(), mongo, clock, limits, random });
    let router = Router::new()
        .route("/notes", post(create_note))
        .route("/rooms/{id}", get(get_room))
        .route("/fail", get(fail))
        .route("/refuse", get(refuse))
        .route("/panic", get(panic))
        .route("/slow", get(slow))
        .route("/who", get(who))
        .route("/whence", get(whence))
        .route("/slow-down", get(slow_down))
        .with_state(app);
    web::layers(router)
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn code(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.body);
        let problem: serde_json::Value = serde_json::from_str(&self.body).unwrap();
        assert_eq!(problem["status"], self.status.as_u16());
        problem["code"].as_str().unwrap().to_owned()
    }
}

async fn ask(request: Request<Body>) -> Answer {
    let response = router().await.oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    Answer { status: parts.status, headers: parts.headers, body: String::from_utf8(body.to_vec()).unwrap() }
}

async fn read(path: &str, headers: &[(&str, &str)]) -> Answer {
    let request = headers.iter().fold(Request::get(path), |request, (name, value)| request.header(*name, *value));
    ask(request.body(Body::empty()).unwrap()).await
}

/// A request as API Gateway hands it on, from 192.0.2.1.
fn from_gateway(path: &str, headers: &serde_json::Value) -> Request<Body> {
    let event = serde_json::json!({"version": "2.0", "routeKey": "$default", "rawPath": path,
        "rawQueryString": "", "headers": headers, "isBase64Encoded": false,
        "requestContext": {"accountId": "1", "apiId": "a", "requestId": "Kx1yVhFpoAMEPRQ=", "stage": "$default",
            "routeKey": "$default", "time": "", "timeEpoch": 0, "domainName": "a.example",
            "domainPrefix": "a", "http": {"method": "GET", "path": path, "protocol": "HTTP/1.1",
            "sourceIp": "192.0.2.1", "userAgent": "test"}}});
    lambda_http::request::from_str(&event.to_string()).unwrap().map(|_| Body::empty())
}

async fn post_note(media_type: &str, body: impl Into<Body>) -> Answer {
    ask(Request::post("/notes").header("content-type", media_type).body(body.into()).unwrap()).await
}

#[tokio::test]
async fn head_answers_like_get_without_a_body() {
    for path in ["/rooms/1", "/rooms/2", "/who", "/nowhere", "/panic"] {
        let get = read(path, &[]).await;
        let head = ask(Request::head(path).body(Body::empty()).unwrap()).await;

        let (mut expected, mut found) = (get.headers, head.headers);
        for headers in [&mut expected, &mut found] {
            headers.remove("content-length");
        }
        assert_eq!((head.status, head.body.as_str(), found), (get.status, "", expected), "{path}");
    }
}

#[tokio::test]
async fn problem_document_in_english() {
    let answer = read("/rooms/2", &[]).await;

    insta::assert_snapshot!(answer.body, @r#"{"type":"about:blank","title":"Not Found","status":404,"code":"room_not_found","detail":"The room was not found.","request_id":"unknown"}"#);
    assert_eq!(answer.header("content-language"), "en");
    assert_eq!(answer.header("vary"), "accept-language");
    assert_eq!(answer.header("x-request-id"), "unknown");
    assert_eq!(answer.header("cache-control"), "no-store");
}

#[tokio::test]
async fn problem_document_in_korean() {
    let answer = read("/refuse", &[("accept-language", "ko-KR,en;q=0.5")]).await;

    insta::assert_snapshot!(answer.body, @r#"{"type":"about:blank","title":"Unprocessable Entity","status":422,"code":"invalid_fields","detail":"올바르지 않은 항목이 있습니다.","request_id":"unknown","errors":[{"field":"email","code":"bad_format","detail":"형식이 올바르지 않습니다."}]}"#);
    assert_eq!(answer.header("content-language"), "ko");
}

#[tokio::test]
async fn request_id_is_the_one_of_api_gateway() {
    let answer = ask(from_gateway("/rooms/2", &serde_json::json!({"accept-language": "ko"}))).await;

    assert_eq!(answer.header("x-request-id"), "Kx1yVhFpoAMEPRQ=");
    let problem: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(
        (&problem["request_id"], &problem["detail"]),
        (&"Kx1yVhFpoAMEPRQ=".into(), &"대화방을 찾을 수 없습니다.".into())
    );
}

#[tokio::test]
async fn client_ip_is_what_api_gateway_saw() {
    let headers = serde_json::json!({"x-forwarded-for": "198.51.100.7", "forwarded": "for=198.51.100.7"});

    assert_eq!(ask(from_gateway("/whence", &headers)).await.body, "192.0.2.1");
}

async fn whence_by_proxy(key: &str, viewer: &str) -> String {
    let headers = serde_json::json!({"x-trusted-proxy-key": key, "cloudfront-viewer-address": viewer});
    ask(from_gateway("/whence", &headers)).await.body
}

#[tokio::test]
async fn client_ip_is_what_a_trusted_proxy_says() {
    assert_eq!(whence_by_proxy(KEY, "198.51.100.7:46532").await, "198.51.100.7");
    for viewer in ["2001:db8:0:0::7:46532", "[2001:db8::7]:46532"] {
        assert_eq!(whence_by_proxy(KEY, viewer).await, "2001:db8::7", "{viewer}");
    }
}

#[tokio::test]
async fn proxy_without_the_key_or_an_address_is_not_believed() {
    for key in ["", "another key", &KEY[1..], &KEY.to_uppercase()] {
        assert_eq!(whence_by_proxy(key, "198.51.100.7:46532").await, "192.0.2.1", "{key}");
    }
    for viewer in ["", "198.51.100.7", "somewhere:1", ":1"] {
        assert_eq!(whence_by_proxy(KEY, viewer).await, "192.0.2.1", "{viewer}");
    }
    let headers = serde_json::json!({"cloudfront-viewer-address": "198.51.100.7:46532"});
    assert_eq!(ask(from_gateway("/whence", &headers)).await.body, "192.0.2.1");
}

#[tokio::test]
async fn client_ip_is_never_taken_from_headers() {
    assert_eq!(read("/whence", &[("x-forwarded-for", "198.51.100.7")]).await.body, "unknown");
}

#[tokio::test]
async fn retry_after_rounds_up_to_whole_seconds() {
    let answer = read("/slow-down", &[]).await;

    assert_eq!(
        (answer.status.as_u16(), answer.code().as_str(), answer.header("retry-after")),
        (429, "rate_limited", "2")
    );
}

#[tokio::test]
async fn malformed_id_answers_like_an_unknown_one() {
    for id in ["2", "0", "x", "01", "-1", "99999999999", "%20", "%FF"] {
        let answer = read(&format!("/rooms/{id}"), &[]).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (404, "room_not_found"), "{id}");
    }
    assert_eq!(read("/rooms/1", &[]).await.body, "1");
}

#[tokio::test]
async fn unknown_route_and_wrong_method_are_problems() {
    assert_eq!(read("/nowhere", &[]).await.code(), "route_not_found");

    let answer = read("/notes", &[]).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (405, "method_not_allowed"));
    assert_eq!(answer.header("allow"), "POST");
}

#[tokio::test]
async fn panics_and_causes_are_not_shown() {
    for path in ["/fail", "/panic"] {
        let answer = read(path, &[]).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (500, "internal"));
        assert!(!answer.body.contains("secret"));
    }
}

#[tokio::test(start_paused = true)]
async fn slow_handler_answers_503_at_the_deadline() {
    let answer = read("/slow", &[]).await;

    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (503, "unavailable"));
    assert_eq!(answer.header("retry-after"), "2");
}

#[tokio::test]
async fn body_is_checked_by_type_then_size_then_form() {
    let big = "x".repeat(64 * 1024 + 1);
    for (media_type, body, status, code) in [
        ("text/plain", big.as_str(), 415, "unsupported_media_type"),
        ("application/x-www-form-urlencoded", "text=a", 415, "unsupported_media_type"),
        ("application/json", &big, 413, "body_too_large"),
        ("application/json", "{", 400, "malformed_body"),
        ("application/json", r#"{"text":"\ud800"}"#, 400, "malformed_body"),
        ("application/json", "{}", 422, "invalid_fields"),
    ] {
        let answer = post_note(media_type, body.to_owned()).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{media_type}");
    }
    for media_type in ["application/json", "Application/JSON; charset=utf-8", "application/vnd.note+json"] {
        assert_eq!(post_note(media_type, r#"{"text":"a"}"#).await.status, StatusCode::CREATED);
    }
}

#[tokio::test]
async fn caller_needs_a_valid_token() {
    let token = |seconds_ago: i64| {
        let issued = Timestamp::from_millis(NOON.millis() - seconds_ago * 1_000);
        format!("Bearer {}", tokens().issue(UserId(3), &SessionId("5e55".to_owned()), issued).unwrap())
    };
    for (headers, code, challenge) in [
        (vec![], "unauthenticated", "Bearer"),
        (vec![("authorization", "Basic YTpi".to_owned())], "unauthenticated", "Bearer"),
        (vec![("authorization", "Bearer x.y.z".to_owned())], "unauthenticated", "Bearer"),
        (vec![("authorization", token(900))], "token_expired", r#"Bearer error="invalid_token""#),
    ] {
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = read("/who", &headers).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (401, code));
        assert_eq!(answer.header("www-authenticate"), challenge);
    }
    // The token is good, and MongoDB is away.
    assert_eq!(read("/who", &[("authorization", &token(0))]).await.code(), "unavailable");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_body_causes_a_server_error(bytes: Vec<u8>, text in "\\{\"(text|seq)\":\\PC{0,20}\\}") {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        for body in [bytes, text.into_bytes()] {
            let status = runtime.block_on(post_note("application/json", body)).status;
            prop_assert!(status.as_u16() < 500, "{status}");
        }
    }
}

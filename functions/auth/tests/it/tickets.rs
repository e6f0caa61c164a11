use crate::logins::{Logins, MINJI};
use axum::http::Method;
use credentials::Tickets;
use domain::{SessionId, UserId};
use serde_json::Value;
use std::time::Duration;
use testkit::{Answer, KEY, NOON};

fn session() -> SessionId {
    SessionId("5e55".to_owned())
}

async fn ticket(logins: &Logins, user: UserId) -> Answer {
    let access = logins.access_tokens().issue(user, &session(), NOON).unwrap();
    logins.call(Method::POST, "/auth/ticket", &access, &Value::Null).await
}

#[tokio::test]
async fn ticket_is_stored_as_hash_for_60_s() {
    let logins = Logins::new().await;

    let answer = ticket(&logins, UserId(3)).await;

    let given = answer.json();
    assert_eq!(answer.status, 201);
    assert_eq!(given["url"], "wss://chat.example/v1");
    assert_eq!(given["expires_at"], "2036-07-18T13:21:00.000Z");
    let hash = Tickets::new(KEY, None).verify(given["ticket"].as_str().unwrap(), NOON).unwrap().hash();
    let owner = logins.mongo().tickets().burn(hash.as_str(), NOON).await.unwrap();
    assert_eq!(owner, Some((UserId(3), session())));
}

#[tokio::test]
async fn revoked_session_gets_no_ticket() {
    let logins = Logins::new().await;
    logins.mongo().gates().end_sessions(UserId(3), &[session()], NOON.plus(Duration::from_hours(1))).await.unwrap();

    assert_eq!(ticket(&logins, UserId(3)).await.refusal(), (401, "unauthenticated".to_owned()));
}

#[tokio::test]
async fn tickets_are_limited_per_user() {
    let logins = Logins::new().await.limited_to(2);
    for _ in 0..2 {
        assert_eq!(ticket(&logins, UserId(3)).await.status, 201);
    }

    let refused = ticket(&logins, UserId(3)).await;

    assert_eq!(refused.refusal(), (429, "rate_limited".to_owned()));
    assert!((1..=60).contains(&refused.retry_after()), "{}", refused.retry_after());
    assert_eq!(ticket(&logins, UserId(4)).await.status, 201, "another one's limit is their own");
}

#[tokio::test]
async fn refresh_token_gets_no_ticket() {
    let logins = Logins::new().await;
    logins.join(MINJI).await;
    let tokens = logins.tokens(MINJI).await;

    let answer = logins.call(Method::POST, "/auth/ticket", &tokens.refresh, &Value::Null).await;

    assert_eq!(answer.refusal(), (401, "unauthenticated".to_owned()));
}

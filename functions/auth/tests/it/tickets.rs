use crate::house::{Answer, House, MINJI, NOON};
use axum::http::Method;
use credentials::Ticket;
use domain::{SessionId, UserId};
use serde_json::Value;
use std::time::Duration;

fn session() -> SessionId {
    SessionId("5e55".to_owned())
}

async fn ticket(house: &House, user: UserId) -> Answer {
    let access = house.access_tokens().issue(user, &session(), NOON).unwrap();
    house.call(Method::POST, "/auth/ticket", &access, &Value::Null).await
}

#[tokio::test]
async fn a_ticket_is_kept_as_a_hash_for_a_minute() {
    let house = House::new().await;

    let answer = ticket(&house, UserId(3)).await;

    let given = answer.json();
    assert_eq!(answer.status, 201);
    assert_eq!(given["url"], "wss://chat.example/v1");
    assert_eq!(given["expires_at"], "2036-07-18T13:21:00.000Z");
    let hash = Ticket::parse(given["ticket"].as_str().unwrap()).unwrap().hash();
    let owner = house.mongo().burn_ticket(hash.as_str(), NOON).await.unwrap();
    assert_eq!(owner, Some((UserId(3), session())));
}

#[tokio::test]
async fn a_revoked_session_gets_no_ticket() {
    let house = House::new().await;
    house.mongo().insert_revocations(&[session()], NOON.plus(Duration::from_hours(1))).await.unwrap();

    assert_eq!(ticket(&house, UserId(3)).await.refusal(), (401, "unauthenticated".to_owned()));
}

#[tokio::test]
async fn nobody_gets_more_tickets_than_the_limit() {
    let house = House::new().await.limited_to(2);
    for _ in 0..2 {
        assert_eq!(ticket(&house, UserId(3)).await.status, 201);
    }

    let refused = ticket(&house, UserId(3)).await;

    assert_eq!(refused.refusal(), (429, "rate_limited".to_owned()));
    assert!((1..=60).contains(&refused.retry_after()), "{}", refused.retry_after());
    assert_eq!(ticket(&house, UserId(4)).await.status, 201, "another one's limit is their own");
}

#[tokio::test]
async fn tickets_are_for_whoever_is_logged_in() {
    let house = House::new().await;
    house.join(MINJI).await;
    let tokens = house.tokens(MINJI).await;

    let answer = house.call(Method::POST, "/auth/ticket", &tokens.refresh, &Value::Null).await;

    assert_eq!(answer.refusal(), (401, "unauthenticated".to_owned()));
}

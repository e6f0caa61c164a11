use crate::house::{Answer, House, MINJI, NOON, PASSWORD, Tokens};
use axum::{
    body::Body,
    http::{Method, Request},
};
use domain::SessionId;
use serde_json::{Value, json};
use std::time::Duration;

const JUNHO: &str = "junho@example.com";

async fn delete(house: &House, access: &str, session: &str) -> Answer {
    house.call(Method::DELETE, &format!("/auth/sessions/{session}"), access, &Value::Null).await
}

/// Logs in on a device that says what it is.
async fn log_in_on(house: &House, device: &str) -> Tokens {
    let request = Request::post("/auth/login").header("content-type", "application/json").header("user-agent", device);
    let body = json!({"email": MINJI, "password": PASSWORD}).to_string();
    Tokens::of(&house.ask(request.body(Body::from(body)).unwrap()).await)
}

fn ids(answer: &Answer) -> Vec<Value> {
    answer.json()["items"].as_array().unwrap().iter().map(|session| session["id"].clone()).collect()
}

#[tokio::test]
async fn ones_sessions_come_newest_first() {
    let house = House::new().await;
    house.join(MINJI).await;
    let phone = log_in_on(&house, "phone").await;
    let laptop = log_in_on(&house.at(|| NOON.plus(Duration::from_mins(1))), "laptop").await;

    let answer = house.sessions(&phone.access, "").await;

    assert_eq!(
        (answer.status, answer.json()),
        (
            200,
            json!({"items": [
            {"id": laptop.session(), "user_agent": "laptop", "is_current": false,
                "created_at": "2036-07-18T13:21:00.000Z", "last_used_at": "2036-07-18T13:21:00.000Z"},
            {"id": phone.session(), "user_agent": "phone", "is_current": true,
                "created_at": "2036-07-18T13:20:00.000Z", "last_used_at": "2036-07-18T13:20:00.000Z"},
        ], "next_cursor": null})
        )
    );
}

#[tokio::test]
async fn pages_of_sessions_are_all_of_them() {
    let house = House::new().await;
    house.join(MINJI).await;
    let mut tokens = house.tokens(MINJI).await;
    for _ in 0..6 {
        tokens = house.tokens(MINJI).await;
    }
    let whole = house.sessions(&tokens.access, "").await;

    let (mut pages, mut query) = (Vec::new(), "?limit=3".to_owned());
    loop {
        let page = house.sessions(&tokens.access, &query).await;
        pages.extend(ids(&page));
        let Some(cursor) = page.json()["next_cursor"].as_str().map(str::to_owned) else { break };
        query = format!("?limit=3&cursor={cursor}");
    }

    assert_eq!((pages.len(), pages), (7, ids(&whole)));
}

#[tokio::test]
async fn a_session_that_is_over_is_not_listed() {
    let house = House::new().await;
    house.join(MINJI).await;
    let (over, live) = (house.tokens(MINJI).await, house.tokens(MINJI).await);
    house.log_out(&over.access).await;

    assert_eq!(ids(&house.sessions(&live.access, "").await), [json!(live.session())]);
}

#[tokio::test]
async fn nobody_lists_anothers_sessions() {
    let house = House::new().await;
    for email in [MINJI, JUNHO] {
        house.join(email).await;
    }
    house.tokens(MINJI).await;
    let junho = house.tokens(JUNHO).await;

    assert_eq!(ids(&house.sessions(&junho.access, "").await), [json!(junho.session())]);
}

#[tokio::test]
async fn a_list_takes_only_a_cursor_that_it_gave() {
    let house = House::new().await;
    house.join(MINJI).await;
    let tokens = house.tokens(MINJI).await;

    for query in ["?cursor=x", "?limit=0", "?limit=101", "?limit=x", "?page=2"] {
        let answer = house.sessions(&tokens.access, query).await;
        assert_eq!(answer.refusal(), (422, "invalid_fields".to_owned()), "{query}");
    }
}

#[tokio::test]
async fn a_session_is_ended_from_another_one() {
    let house = House::new().await;
    let minji = house.join(MINJI).await;
    let (lost, here) = (house.tokens(MINJI).await, house.tokens(MINJI).await);
    house.connect(minji, lost.session(), "lost").await;

    let answer = delete(&house, &here.access, &lost.session().0).await;

    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
    assert!(!house.knows(&lost.access).await && house.knows(&here.access).await);
    assert_eq!(house.refresh(&lost.refresh).await.refusal(), (401, "refresh_token_invalid".to_owned()));
    assert_eq!(house.connections(minji).await, [""; 0]);
}

#[tokio::test]
async fn a_session_ended_again_stays_ended() {
    let house = House::new().await;
    house.join(MINJI).await;
    let (lost, here) = (house.tokens(MINJI).await, house.tokens(MINJI).await);
    delete(&house, &here.access, &lost.session().0).await;

    assert_eq!(delete(&house, &here.access, &lost.session().0).await.status, 204);
}

#[tokio::test]
async fn whoever_ends_their_own_session_is_logged_out() {
    let house = House::new().await;
    house.join(MINJI).await;
    let tokens = house.tokens(MINJI).await;

    assert_eq!(delete(&house, &tokens.access, &tokens.session().0).await.status, 204);

    assert!(!house.knows(&tokens.access).await);
}

#[tokio::test]
async fn anothers_session_is_as_unknown_as_none_and_goes_on() {
    let house = House::new().await;
    for email in [MINJI, JUNHO] {
        house.join(email).await;
    }
    let (minji, junho) = (house.tokens(MINJI).await, house.tokens(JUNHO).await);
    let unknown = delete(&house, &minji.access, &SessionId::from_bytes([7; 16]).0).await;

    let anothers = delete(&house, &minji.access, &junho.session().0).await;

    assert_eq!(unknown.refusal(), (404, "session_not_found".to_owned()));
    assert_eq!((anothers.status, &anothers.text), (404, &unknown.text));
    assert_eq!(delete(&house, &minji.access, "x").await.text, unknown.text);
    assert!(house.knows(&junho.access).await);
}

#[tokio::test]
async fn whoever_is_not_logged_in_sees_and_ends_no_session() {
    let house = House::new().await;
    house.join(MINJI).await;
    let tokens = house.tokens(MINJI).await;
    house.log_out(&tokens.access).await;

    let listed = house.sessions(&tokens.access, "").await;
    let ended = delete(&house, &tokens.access, &tokens.session().0).await;

    assert_eq!(
        [listed.refusal(), ended.refusal()],
        [(401, "unauthenticated".to_owned()), (401, "unauthenticated".to_owned())]
    );
}

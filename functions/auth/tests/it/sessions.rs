use crate::logins::{Logins, MINJI, PASSWORD, Tokens};
use axum::{
    body::Body,
    http::{Method, Request},
};
use domain::SessionId;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{Answer, NOON};

const JUNHO: &str = "junho@example.com";

async fn delete(logins: &Logins, access: &str, session: &str) -> Answer {
    logins.call(Method::DELETE, &format!("/auth/sessions/{session}"), access, &Value::Null).await
}

/// Logs in on a device that says what it is.
async fn log_in_on(logins: &Logins, device: &str) -> Tokens {
    let request = Request::post("/auth/login").header("content-type", "application/json").header("user-agent", device);
    let body = json!({"email": MINJI, "password": PASSWORD}).to_string();
    Tokens::of(&logins.send(request.body(Body::from(body)).unwrap()).await)
}

fn ids(answer: &Answer) -> Vec<Value> {
    answer.json()["items"].as_array().unwrap().iter().map(|session| session["id"].clone()).collect()
}

#[tokio::test]
async fn sessions_are_listed_newest_first() {
    let logins = Logins::new().await;
    logins.join(MINJI).await;
    let phone = log_in_on(&logins, "phone").await;
    let laptop = log_in_on(&logins.at(|| NOON.plus(Duration::from_mins(1))), "laptop").await;

    let answer = logins.sessions(&phone.access, "").await;

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
async fn pages_cover_every_session() {
    let logins = Logins::new().await;
    logins.join(MINJI).await;
    let mut tokens = logins.tokens(MINJI).await;
    for _ in 0..6 {
        tokens = logins.tokens(MINJI).await;
    }
    let whole = logins.sessions(&tokens.access, "").await;

    let (mut pages, mut query) = (Vec::new(), "?limit=3".to_owned());
    loop {
        let page = logins.sessions(&tokens.access, &query).await;
        pages.extend(ids(&page));
        let Some(cursor) = page.json()["next_cursor"].as_str().map(str::to_owned) else { break };
        query = format!("?limit=3&cursor={cursor}");
    }

    assert_eq!((pages.len(), pages), (7, ids(&whole)));
}

#[tokio::test]
async fn ended_session_is_not_listed() {
    let logins = Logins::new().await;
    logins.join(MINJI).await;
    let (over, live) = (logins.tokens(MINJI).await, logins.tokens(MINJI).await);
    logins.log_out(&over.access).await;

    assert_eq!(ids(&logins.sessions(&live.access, "").await), [json!(live.session())]);
}

#[tokio::test]
async fn only_own_sessions_are_listed() {
    let logins = Logins::new().await;
    for email in [MINJI, JUNHO] {
        logins.join(email).await;
    }
    logins.tokens(MINJI).await;
    let junho = logins.tokens(JUNHO).await;

    assert_eq!(ids(&logins.sessions(&junho.access, "").await), [json!(junho.session())]);
}

#[tokio::test]
async fn session_list_refuses_bad_queries() {
    let logins = Logins::new().await;
    logins.join(MINJI).await;
    let tokens = logins.tokens(MINJI).await;

    for query in ["?cursor=x", "?limit=0", "?limit=101", "?limit=x", "?page=2"] {
        let answer = logins.sessions(&tokens.access, query).await;
        assert_eq!(answer.refusal(), (422, "invalid_fields".to_owned()), "{query}");
    }
}

#[tokio::test]
async fn session_can_be_ended_from_another() {
    let logins = Logins::new().await;
    let minji = logins.join(MINJI).await;
    let (lost, here) = (logins.tokens(MINJI).await, logins.tokens(MINJI).await);
    logins.connect(minji, lost.session(), "lost").await;

    let answer = delete(&logins, &here.access, &lost.session().0).await;

    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
    assert!(!logins.knows(&lost.access).await && logins.knows(&here.access).await);
    assert_eq!(logins.refresh(&lost.refresh).await.refusal(), (401, "refresh_token_invalid".to_owned()));
    assert_eq!(logins.connections(minji).await, [""; 0]);
}

#[tokio::test]
async fn ending_a_session_twice_is_idempotent() {
    let logins = Logins::new().await;
    logins.join(MINJI).await;
    let (lost, here) = (logins.tokens(MINJI).await, logins.tokens(MINJI).await);
    delete(&logins, &here.access, &lost.session().0).await;

    assert_eq!(delete(&logins, &here.access, &lost.session().0).await.status, 204);
}

#[tokio::test]
async fn ending_own_session_logs_out() {
    let logins = Logins::new().await;
    logins.join(MINJI).await;
    let tokens = logins.tokens(MINJI).await;

    assert_eq!(delete(&logins, &tokens.access, &tokens.session().0).await.status, 204);

    assert!(!logins.knows(&tokens.access).await);
}

#[tokio::test]
async fn session_of_other_user_answers_like_unknown_one() {
    let logins = Logins::new().await;
    for email in [MINJI, JUNHO] {
        logins.join(email).await;
    }
    let (minji, junho) = (logins.tokens(MINJI).await, logins.tokens(JUNHO).await);
    let unknown = delete(&logins, &minji.access, &SessionId::from_bytes([7; 16]).0).await;

    let foreign = delete(&logins, &minji.access, &junho.session().0).await;

    assert_eq!(unknown.refusal(), (404, "session_not_found".to_owned()));
    assert_eq!((foreign.status, &foreign.text), (404, &unknown.text));
    assert_eq!(delete(&logins, &minji.access, "x").await.text, unknown.text);
    assert!(logins.knows(&junho.access).await);
}

#[tokio::test]
async fn revoked_token_neither_lists_nor_ends_sessions() {
    let logins = Logins::new().await;
    logins.join(MINJI).await;
    let tokens = logins.tokens(MINJI).await;
    logins.log_out(&tokens.access).await;

    let listed = logins.sessions(&tokens.access, "").await;
    let ended = delete(&logins, &tokens.access, &tokens.session().0).await;

    assert_eq!(
        [listed.refusal(), ended.refusal()],
        [(401, "unauthenticated".to_owned()), (401, "unauthenticated".to_owned())]
    );
}

#[tokio::test]
async fn fifty_first_login_ends_the_oldest_session() {
    let logins = Logins::new().await;
    let minji = logins.join(MINJI).await;
    let oldest = logins.tokens(MINJI).await;
    logins.connect(minji, oldest.session(), "oldest").await;
    let later = logins.at(|| NOON.plus(Duration::from_mins(1)));
    let mut others = Vec::new();
    for _ in 0..50 {
        assert_eq!(logins.connections(minji).await, ["oldest"]);
        others.push(later.tokens(MINJI).await);
    }

    assert!(!later.knows(&oldest.access).await);
    assert_eq!(later.refresh(&oldest.refresh).await.refusal(), (401, "refresh_token_invalid".to_owned()));
    assert_eq!(logins.connections(minji).await, [""; 0]);
    assert_eq!(ids(&later.sessions(&others[0].access, "?limit=100").await).len(), 50);
    for tokens in others {
        assert!(later.knows(&tokens.access).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_logins_leave_fifty_sessions() {
    let logins = Logins::new().await;
    logins.join(MINJI).await;
    for _ in 0..48 {
        logins.tokens(MINJI).await;
    }

    for _ in 0..3 {
        // As many as may be compared at once.
        let answers = logins.at_once(4, |logins, _| async move { logins.log_in(MINJI, PASSWORD).await }).await;
        assert!(answers.iter().all(|(_, answer)| answer.status == 200), "{answers:?}");
    }

    let last = logins.tokens(MINJI).await;
    assert_eq!(ids(&logins.sessions(&last.access, "?limit=100").await).len(), 50);
}

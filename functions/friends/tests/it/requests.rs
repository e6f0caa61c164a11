use crate::house::{Answer, House, NOON};
use axum::http::Method;
use domain::UserId;
use serde_json::{Value, json};

pub(crate) async fn ask(house: &House, asker: UserId, other: impl serde::Serialize) -> Answer {
    house.call(asker, Method::POST, "/friends/request", &json!({"user_id": other})).await
}

/// The number of a request that one makes to the other.
pub(crate) async fn asked(house: &House, asker: UserId, other: UserId) -> Value {
    let answer = ask(house, asker, other).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()["id"].clone()
}

/// Two people.
pub(crate) async fn two(house: &House) -> [UserId; 2] {
    [house.join("minji").await, house.join("junho").await]
}

#[tokio::test]
async fn a_request_is_new_and_pending() {
    let house = House::new().await;
    let [minji, junho] = two(&house).await;

    let answer = ask(&house, minji, junho).await;

    let request = answer.json();
    assert_eq!(answer.status, 201);
    assert_eq!(
        request,
        json!({"id": request["id"], "user_id_1": minji, "user_id_2": junho, "status": "pending",
            "created_at": NOON, "updated_at": NOON})
    );
}

#[tokio::test]
async fn a_repeated_request_finds_the_first() {
    let house = House::new().await;
    let [minji, junho] = two(&house).await;
    let first = ask(&house, minji, junho).await;

    let again = ask(&house, minji, junho).await;

    assert_eq!((again.status, again.text), (200, first.text));
}

#[tokio::test]
async fn whoever_is_asked_and_asks_is_a_friend() {
    let house = House::new().await;
    let [minji, junho] = two(&house).await;
    let id = asked(&house, minji, junho).await;

    let answer = ask(&house, junho, minji).await;

    let friendship = answer.json();
    assert_eq!((answer.status, &friendship["id"], &friendship["status"]), (200, &id, &json!("accepted")));
    assert_eq!((&friendship["user_id_1"], &friendship["user_id_2"]), (&json!(minji), &json!(junho)));
}

#[tokio::test]
async fn friends_are_known_to_mongodb_when_it_is_answered() {
    let house = House::new().await;
    let [minji, junho] = two(&house).await;
    ask(&house, minji, junho).await;
    assert_eq!(house.known(minji).await.friends, []);

    ask(&house, junho, minji).await;

    assert_eq!([house.known(minji).await.friends, house.known(junho).await.friends], [[junho], [minji]]);
    assert_eq!(house.mysql().outbox().count().await.unwrap(), 0);
}

#[tokio::test]
async fn every_change_between_two_is_news_to_both() {
    let house = House::new().await;
    let [minji, junho] = two(&house).await;

    ask(&house, minji, junho).await;
    ask(&house, minji, junho).await;
    ask(&house, junho, minji).await;

    assert_eq!([house.known(minji).await.version, house.known(junho).await.version], [3, 3]);
}

#[tokio::test]
async fn friends_who_ask_again_stay_friends() {
    let house = House::new().await;
    let [minji, junho] = two(&house).await;
    ask(&house, minji, junho).await;
    let friends = ask(&house, junho, minji).await;

    for (asker, other) in [(minji, junho), (junho, minji)] {
        let again = ask(&house, asker, other).await;
        assert_eq!((again.status, &again.text), (200, &friends.text));
    }
}

#[tokio::test]
async fn nobody_someone_gone_and_someone_who_blocked_the_caller_are_answered_alike() {
    let house = House::new().await;
    let [minji, gone] = two(&house).await;
    let blocker = house.join("blocker").await;
    house.deactivate(gone).await;
    house.block(blocker, minji).await;
    let unknown = ask(&house, minji, 999_999).await;

    assert_eq!(unknown.refusal(), (404, "user_not_found".to_owned()));
    for other in [gone, blocker, UserId(0), UserId(-1)] {
        let answer = ask(&house, minji, other).await;
        assert_eq!((answer.status, &answer.text), (404, &unknown.text), "{other}");
    }
}

#[tokio::test]
async fn whoever_blocked_someone_unblocks_before_they_ask() {
    let house = House::new().await;
    let [minji, junho] = two(&house).await;
    house.block(minji, junho).await;

    assert_eq!(ask(&house, minji, junho).await.refusal(), (409, "user_blocked".to_owned()));
}

#[tokio::test]
async fn of_two_who_blocked_each_other_neither_learns_of_the_others_block() {
    let house = House::new().await;
    let [minji, junho] = two(&house).await;
    house.block(minji, junho).await;
    house.block(junho, minji).await;

    assert_eq!(ask(&house, minji, junho).await.text, ask(&house, minji, 999_999).await.text);
}

#[tokio::test]
async fn a_bad_request_is_named() {
    let house = House::new().await;
    let [minji, _] = two(&house).await;

    for (body, field, reason) in [
        (json!({"user_id": minji}), "user_id", "unsupported"),
        (json!({"user_id": "2"}), "user_id", "wrong_type"),
        (json!({}), "user_id", "required"),
        (json!({"user_id": 2, "text": "hi"}), "text", "unknown_field"),
    ] {
        let answer = house.call(minji, Method::POST, "/friends/request", &body).await;
        let error = &answer.json()["errors"][0];
        assert_eq!((answer.status, &error["field"], &error["code"]), (422, &json!(field), &json!(reason)), "{body}");
    }
}

#[tokio::test]
async fn nobody_asks_more_than_the_limit() {
    let house = House::new().await.limited_to(2);
    let [minji, junho] = two(&house).await;
    for _ in 0..2 {
        assert!(ask(&house, minji, junho).await.status < 300);
    }

    let refused = ask(&house, minji, junho).await;

    assert_eq!(refused.refusal(), (429, "rate_limited".to_owned()));
    assert!(refused.headers.contains_key("retry-after"));
    assert_eq!(ask(&house, junho, minji).await.status, 200, "another one's limit is their own");
}

#[tokio::test]
async fn without_a_token_every_route_is_closed() {
    let house = House::new().await;

    for (method, path) in [
        (Method::POST, "/friends/request"),
        (Method::GET, "/friends/requests"),
        (Method::GET, "/friends"),
        (Method::PUT, "/friends/1/accept"),
        (Method::PUT, "/friends/1/reject"),
        (Method::DELETE, "/friends/1"),
    ] {
        let answer = house.ask(method, path, None, &Value::Null).await;
        assert_eq!(answer.refusal(), (401, "unauthenticated".to_owned()), "{path}");
    }
}

use axum::http::Method;
use domain::UserId;
use serde_json::{Value, json};
use testkit::{Answer, Door, NOON};

pub(crate) async fn ask(door: &Door, asker: UserId, other: impl serde::Serialize) -> Answer {
    door.call(asker, Method::POST, "/friends/request", &json!({"user_id": other})).await
}

/// The number of a request that one makes to the other.
pub(crate) async fn asked(door: &Door, asker: UserId, other: UserId) -> Value {
    let answer = ask(door, asker, other).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()["id"].clone()
}

/// Two people.
pub(crate) async fn two(door: &Door) -> [UserId; 2] {
    [door.join("minji").await, door.join("junho").await]
}

#[tokio::test]
async fn new_request_is_pending() {
    let door = Door::new(friends::routes).await;
    let [minji, junho] = two(&door).await;

    let answer = ask(&door, minji, junho).await;

    let request = answer.json();
    assert_eq!(answer.status, 201);
    assert_eq!(
        request,
        json!({"id": request["id"], "user_id_1": minji, "user_id_2": junho, "status": "pending",
            "created_at": NOON, "updated_at": NOON})
    );
}

#[tokio::test]
async fn repeated_request_is_idempotent() {
    let door = Door::new(friends::routes).await;
    let [minji, junho] = two(&door).await;
    let first = ask(&door, minji, junho).await;

    let again = ask(&door, minji, junho).await;

    assert_eq!((again.status, again.text), (200, first.text));
}

#[tokio::test]
async fn mutual_request_makes_a_friendship() {
    let door = Door::new(friends::routes).await;
    let [minji, junho] = two(&door).await;
    let id = asked(&door, minji, junho).await;

    let answer = ask(&door, junho, minji).await;

    let friendship = answer.json();
    assert_eq!((answer.status, &friendship["id"], &friendship["status"]), (200, &id, &json!("accepted")));
    assert_eq!((&friendship["user_id_1"], &friendship["user_id_2"]), (&json!(minji), &json!(junho)));
}

#[tokio::test]
async fn friendship_is_projected_before_the_answer() {
    let door = Door::new(friends::routes).await;
    let [minji, junho] = two(&door).await;
    ask(&door, minji, junho).await;
    assert_eq!(door.known(minji).await.friends, []);

    ask(&door, junho, minji).await;

    assert_eq!([door.known(minji).await.friends, door.known(junho).await.friends], [[junho], [minji]]);
    assert_eq!(door.mysql().outbox().count().await.unwrap(), 0);
}

#[tokio::test]
async fn every_change_raises_version_of_both_users() {
    let door = Door::new(friends::routes).await;
    let [minji, junho] = two(&door).await;

    ask(&door, minji, junho).await;
    ask(&door, minji, junho).await;
    ask(&door, junho, minji).await;

    assert_eq!([door.known(minji).await.version, door.known(junho).await.version], [3, 3]);
}

#[tokio::test]
async fn friends_who_ask_again_stay_friends() {
    let door = Door::new(friends::routes).await;
    let [minji, junho] = two(&door).await;
    ask(&door, minji, junho).await;
    let friends = ask(&door, junho, minji).await;

    for (asker, other) in [(minji, junho), (junho, minji)] {
        let again = ask(&door, asker, other).await;
        assert_eq!((again.status, &again.text), (200, &friends.text));
    }
}

#[tokio::test]
async fn unknown_deleted_and_blocking_users_answer_alike() {
    let door = Door::new(friends::routes).await;
    let [minji, gone] = two(&door).await;
    let blocker = door.join("blocker").await;
    door.deactivate(gone).await;
    door.block(blocker, minji).await;
    let unknown = ask(&door, minji, 999_999).await;

    assert_eq!(unknown.refusal(), (404, "user_not_found".to_owned()));
    for other in [gone, blocker, UserId(0), UserId(-1)] {
        let answer = ask(&door, minji, other).await;
        assert_eq!((answer.status, &answer.text), (404, &unknown.text), "{other}");
    }
}

#[tokio::test]
async fn blocker_must_unblock_before_request() {
    let door = Door::new(friends::routes).await;
    let [minji, junho] = two(&door).await;
    door.block(minji, junho).await;

    assert_eq!(ask(&door, minji, junho).await.refusal(), (409, "user_blocked".to_owned()));
}

#[tokio::test]
async fn mutual_blocks_stay_hidden() {
    let door = Door::new(friends::routes).await;
    let [minji, junho] = two(&door).await;
    door.block(minji, junho).await;
    door.block(junho, minji).await;

    assert_eq!(ask(&door, minji, junho).await.text, ask(&door, minji, 999_999).await.text);
}

#[tokio::test]
async fn bad_request_fields_are_named() {
    let door = Door::new(friends::routes).await;
    let [minji, _] = two(&door).await;

    for (body, field, reason) in [
        (json!({"user_id": minji}), "user_id", "unsupported"),
        (json!({"user_id": "2"}), "user_id", "wrong_type"),
        (json!({}), "user_id", "required"),
        (json!({"user_id": 2, "text": "hi"}), "$", "unknown_field"),
    ] {
        let answer = door.call(minji, Method::POST, "/friends/request", &body).await;
        let error = &answer.json()["errors"][0];
        assert_eq!((answer.status, &error["field"], &error["code"]), (422, &json!(field), &json!(reason)), "{body}");
    }
}

#[tokio::test]
async fn requests_are_limited_per_user() {
    let door = Door::new(friends::routes).await.limited_to(2);
    let [minji, junho] = two(&door).await;
    for _ in 0..2 {
        assert!(ask(&door, minji, junho).await.status < 300);
    }

    let refused = ask(&door, minji, junho).await;

    assert_eq!(refused.refusal(), (429, "rate_limited".to_owned()));
    assert!(refused.headers.contains_key("retry-after"));
    assert_eq!(ask(&door, junho, minji).await.status, 200, "another one's limit is their own");
}

#[tokio::test]
async fn every_route_needs_a_token() {
    let door = Door::new(friends::routes).await;

    for (method, path) in [
        (Method::POST, "/friends/request"),
        (Method::GET, "/friends/requests"),
        (Method::GET, "/friends"),
        (Method::PUT, "/friends/1/accept"),
        (Method::PUT, "/friends/1/reject"),
        (Method::DELETE, "/friends/1"),
    ] {
        let answer = door.ask(method, path, None, &Value::Null).await;
        assert_eq!(answer.refusal(), (401, "unauthenticated".to_owned()), "{path}");
    }
}

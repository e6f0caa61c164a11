use crate::house::{Answer, House, NOON};
use axum::http::Method;
use domain::{Code, FriendshipStatus, UserId};
use serde_json::{Value, json};

pub(crate) async fn block(house: &House, by: UserId, blocked: impl serde::Serialize) -> Answer {
    house.call(by, Method::POST, "/blocks", &json!({"user_id": blocked})).await
}

/// Two people.
pub(crate) async fn two(house: &House) -> [UserId; 2] {
    [house.join("minji").await, house.join("junho").await]
}

/// Minji's request to Junho.
async fn asked(house: &House, [minji, junho]: [UserId; 2]) -> domain::FriendshipId {
    house.mysql().friendships().insert(minji, junho, NOON).await.unwrap().id
}

async fn status(house: &House, pair: [UserId; 2]) -> FriendshipStatus {
    house.mysql().friendships().find_between(pair).await.unwrap().unwrap().status
}

#[tokio::test]
async fn a_block_shows_whom_it_is_for() {
    let house = House::new().await;
    let [minji, junho] = two(&house).await;

    let answer = block(&house, minji, junho).await;

    let user = json!({"id": junho, "username": "junho", "display_name": "JUNHO", "status_message": null, "is_available": true});
    assert_eq!((answer.status, answer.json()), (201, json!({"user": user, "created_at": NOON})));
}

#[tokio::test]
async fn a_block_is_known_to_mongodb_when_it_is_answered() {
    let house = House::new().await;
    let [minji, junho] = two(&house).await;

    block(&house, minji, junho).await;

    assert_eq!(house.known(minji).await.blocked, [junho]);
    assert_eq!(house.mysql().outbox().count().await.unwrap(), 0);
}

#[tokio::test]
async fn a_repeated_block_finds_the_first() {
    let house = House::new().await;
    let [minji, junho] = two(&house).await;
    let first = block(&house, minji, junho).await;

    let again = block(&house, minji, junho).await;

    assert_eq!((again.status, again.text), (200, first.text));
    assert_eq!(house.known(minji).await.version, 2, "nothing happened the second time");
}

#[tokio::test]
async fn a_block_ends_a_friendship() {
    for blocker in [0, 1] {
        let house = House::new().await;
        let pair = two(&house).await;
        let id = asked(&house, pair).await;
        house.mysql().friendships().update(id, FriendshipStatus::Accepted, NOON).await.unwrap();

        block(&house, pair[blocker], pair[1 - blocker]).await;

        assert_eq!(status(&house, pair).await, FriendshipStatus::Rejected);
        for user in pair {
            assert_eq!(house.known(user).await.friends, []);
        }
    }
}

#[tokio::test]
async fn a_block_ends_a_request_whoever_made_it() {
    for blocker in [0, 1] {
        let house = House::new().await;
        let pair = two(&house).await;
        asked(&house, pair).await;

        block(&house, pair[blocker], pair[1 - blocker]).await;

        assert_eq!(status(&house, pair).await, FriendshipStatus::Rejected);
    }
}

#[tokio::test]
async fn a_block_closes_the_room_to_writing_for_both() {
    let house = House::new().await;
    let pair = two(&house).await;
    let room = house.open_room(pair).await;

    block(&house, pair[0], pair[1]).await;

    let access = house.access(room).await;
    for user in pair {
        assert!(access.admit(user).is_ok());
        assert_eq!(access.admit_writer(user), Err(Code::RecipientUnavailable));
    }
}

#[tokio::test]
async fn rights_read_before_a_block_give_no_place_after_it() {
    let house = House::new().await;
    let pair = two(&house).await;
    let room = house.open_room(pair).await;
    let before = house.access(room).await.version;

    block(&house, pair[0], pair[1]).await;

    let place = house.mongo().reserve(room, before, mongo::Numbered::Message).await.unwrap();
    assert!(place.is_none());
}

#[tokio::test]
async fn whoever_is_blocked_learns_nothing_of_it() {
    let house = House::new().await;
    let [minji, junho] = two(&house).await;

    block(&house, minji, junho).await;

    assert_eq!(house.mongo().find_person(junho).await.unwrap().map(|person| person.version), None, "no news for Junho");
    assert_eq!(house.get(junho, "/blocks").await.json()["items"], json!([]));
}

#[tokio::test]
async fn whoever_is_blocked_may_block_as_well_and_sees_a_deleted_account() {
    let house = House::new().await;
    let [minji, junho] = two(&house).await;
    block(&house, minji, junho).await;

    let answer = block(&house, junho, minji).await;

    let user =
        json!({"id": minji, "username": null, "display_name": null, "status_message": null, "is_available": false});
    assert_eq!((answer.status, &answer.json()["user"]), (201, &user));
    assert_eq!(house.get(junho, "/blocks").await.json()["items"][0]["user"], user);
}

#[tokio::test]
async fn an_account_that_is_gone_is_blocked_like_one_that_seems_so() {
    let house = House::new().await;
    let [minji, junho] = two(&house).await;
    let gone = house.join("gone").await;
    house.deactivate(gone).await;
    block(&house, junho, minji).await;

    let (seems, is) = (block(&house, minji, junho).await, block(&house, minji, gone).await);

    let of = |answer: &Answer, id: UserId| answer.text.replace(&format!("\"id\":{id}"), "\"id\":0");
    assert_eq!((seems.status, of(&seems, junho)), (is.status, of(&is, gone)));
}

#[tokio::test]
async fn nobody_blocks_nobody() {
    let house = House::new().await;
    let [minji, _] = two(&house).await;

    for unknown in [999_999, 0, -1] {
        assert_eq!(block(&house, minji, unknown).await.refusal(), (404, "user_not_found".to_owned()), "{unknown}");
    }
}

#[tokio::test]
async fn a_bad_block_is_named() {
    let house = House::new().await;
    let [minji, _] = two(&house).await;

    for (body, field, reason) in [
        (json!({"user_id": minji}), "user_id", "unsupported"),
        (json!({"user_id": "2"}), "user_id", "wrong_type"),
        (json!({}), "user_id", "required"),
        (json!({"user_id": 2, "reason": "spam"}), "reason", "unknown_field"),
    ] {
        let answer = house.call(minji, Method::POST, "/blocks", &body).await;
        let error = &answer.json()["errors"][0];
        assert_eq!((answer.status, &error["field"], &error["code"]), (422, &json!(field), &json!(reason)), "{body}");
    }
}

#[tokio::test]
async fn without_a_token_every_route_is_closed() {
    let house = House::new().await;

    for (method, path) in [(Method::POST, "/blocks"), (Method::GET, "/blocks"), (Method::DELETE, "/blocks/1")] {
        let answer = house.ask(method, path, None, &Value::Null).await;
        assert_eq!(answer.refusal(), (401, "unauthenticated".to_owned()), "{path}");
    }
}

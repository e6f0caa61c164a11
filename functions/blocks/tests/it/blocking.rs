use crate::unblocking::unblock;
use axum::http::Method;
use domain::{Aggregate, Code, Fault, Friendship, FriendshipStatus, MOST_BLOCKS, RoomKey, SessionId, UserId};
use mysql::Tx;
use serde_json::{Value, json};
use testkit::{Answer, Door, NOON};

pub(crate) async fn block(door: &Door, by: UserId, blocked: impl serde::Serialize) -> Answer {
    door.call(by, Method::POST, "/blocks", &json!({"user_id": blocked})).await
}

/// Two people.
pub(crate) async fn two(door: &Door) -> [UserId; 2] {
    [door.join("minji").await, door.join("junho").await]
}

/// Minji's request to Junho.
async fn asked(door: &Door, [minji, junho]: [UserId; 2]) -> Friendship {
    door.mysql().friendships().insert(minji, junho, NOON).await.unwrap()
}

async fn status(door: &Door, pair: [UserId; 2]) -> FriendshipStatus {
    door.mysql().friendships().find_between(pair).await.unwrap().unwrap().status
}

#[tokio::test]
async fn block_answers_the_blocked_user() {
    let door = Door::new(blocks::routes).await;
    let [minji, junho] = two(&door).await;

    let answer = block(&door, minji, junho).await;

    let user = json!({"id": junho, "username": "junho", "display_name": "JUNHO", "status_message": null, "avatar": null, "is_available": true});
    assert_eq!((answer.status, answer.json()), (201, json!({"user": user, "created_at": NOON})));
}

#[tokio::test]
async fn block_is_projected_before_the_answer() {
    let door = Door::new(blocks::routes).await;
    let [minji, junho] = two(&door).await;

    block(&door, minji, junho).await;

    assert_eq!(door.known(minji).await.blocked, [junho]);
    assert_eq!(door.mysql().outbox().count().await.unwrap(), 0);
}

#[tokio::test]
async fn repeated_block_is_idempotent() {
    let door = Door::new(blocks::routes).await;
    let [minji, junho] = two(&door).await;
    let first = block(&door, minji, junho).await;

    let again = block(&door, minji, junho).await;

    assert_eq!((again.status, again.text), (200, first.text));
    assert_eq!(door.known(minji).await.version, 2, "nothing happened the second time");
}

#[tokio::test]
async fn block_ends_friendship() {
    for blocker in [0, 1] {
        let door = Door::new(blocks::routes).await;
        let pair = two(&door).await;
        let friends = asked(&door, pair).await.changed_to(FriendshipStatus::Accepted, pair[1], NOON);
        door.mysql().friendships().update(&friends).await.unwrap();

        block(&door, pair[blocker], pair[1 - blocker]).await;

        assert_eq!(status(&door, pair).await, FriendshipStatus::Rejected);
        for user in pair {
            assert_eq!(door.known(user).await.friends, []);
        }
    }
}

#[tokio::test]
async fn end_of_friendship_by_block_is_told_to_the_blocker_alone() {
    let door = Door::new(blocks::routes).await;
    let pair @ [minji, junho] = two(&door).await;
    let friends = asked(&door, pair).await.changed_to(FriendshipStatus::Accepted, junho, NOON);
    door.mysql().friendships().update(&friends).await.unwrap();
    door.connect(minji, SessionId::from_bytes([1; 16]), "minji").await;
    door.connect(junho, SessionId::from_bytes([2; 16]), "junho").await;

    block(&door, minji, junho).await;

    assert_eq!(door.pushes.frames("minji").len(), 1);
    assert_eq!(door.pushes.frames("junho").len(), 0);
}

#[tokio::test]
async fn block_ends_pending_request_of_either_user() {
    for blocker in [0, 1] {
        let door = Door::new(blocks::routes).await;
        let pair = two(&door).await;
        asked(&door, pair).await;

        block(&door, pair[blocker], pair[1 - blocker]).await;

        assert_eq!(status(&door, pair).await, FriendshipStatus::Rejected);
    }
}

#[tokio::test]
async fn block_stops_writing_in_room_for_both() {
    let door = Door::new(blocks::routes).await;
    let pair = two(&door).await;
    let room = door.open_room(pair).await;

    block(&door, pair[0], pair[1]).await;

    for user in pair {
        let rights = door.rights(room, user).await.unwrap();
        assert_eq!(rights.admit_writer(), Err(Code::RecipientUnavailable));
    }
}

#[tokio::test]
async fn nothing_is_reserved_after_a_block() {
    let door = Door::new(blocks::routes).await;
    let pair = two(&door).await;
    let room = door.open_room(pair).await;

    block(&door, pair[0], pair[1]).await;

    let placement = mongo::Placement::New(mongo::Messages::new_id());
    for user in pair {
        assert!(door.mongo().rooms().reserve(room, Some(user), placement).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn blocked_user_is_not_told() {
    let door = Door::new(blocks::routes).await;
    let [minji, junho] = two(&door).await;

    block(&door, minji, junho).await;

    assert_eq!(
        door.mongo().people().find(junho).await.unwrap().map(|person| person.version),
        None,
        "no news for Junho"
    );
    assert_eq!(door.get(junho, "/blocks").await.json()["items"], json!([]));
}

#[tokio::test]
async fn blocked_user_can_block_and_sees_deleted_account() {
    let door = Door::new(blocks::routes).await;
    let [minji, junho] = two(&door).await;
    block(&door, minji, junho).await;

    let answer = block(&door, junho, minji).await;

    let user = json!({"id": minji, "username": null, "display_name": null, "status_message": null, "avatar": null, "is_available": false});
    assert_eq!((answer.status, &answer.json()["user"]), (201, &user));
    assert_eq!(door.get(junho, "/blocks").await.json()["items"][0]["user"], user);
}

#[tokio::test]
async fn deleted_account_is_blocked_like_a_blocker() {
    let door = Door::new(blocks::routes).await;
    let [minji, junho] = two(&door).await;
    let gone = door.join("gone").await;
    door.deactivate(gone).await;
    block(&door, junho, minji).await;

    let (seems, is) = (block(&door, minji, junho).await, block(&door, minji, gone).await);

    let of = |answer: &Answer, id: UserId| answer.text.replace(&format!("\"id\":{id}"), "\"id\":0");
    assert_eq!((seems.status, of(&seems, junho)), (is.status, of(&is, gone)));
}

#[tokio::test]
async fn self_and_unknown_users_cannot_be_blocked() {
    let door = Door::new(blocks::routes).await;
    let [minji, _] = two(&door).await;

    for unknown in [999_999, 0, -1] {
        assert_eq!(block(&door, minji, unknown).await.refusal(), (404, "user_not_found".to_owned()), "{unknown}");
    }
}

#[tokio::test]
async fn bad_block_fields_are_named() {
    let door = Door::new(blocks::routes).await;
    let [minji, _] = two(&door).await;

    for (body, field, reason) in [
        (json!({"user_id": minji}), "user_id", "unsupported"),
        (json!({"user_id": "2"}), "user_id", "wrong_type"),
        (json!({}), "user_id", "required"),
        (json!({"user_id": 2, "reason": "spam"}), "$", "unknown_field"),
    ] {
        let answer = door.call(minji, Method::POST, "/blocks", &body).await;
        let error = &answer.json()["errors"][0];
        assert_eq!((answer.status, &error["field"], &error["code"]), (422, &json!(field), &json!(reason)), "{body}");
    }
}

#[tokio::test]
async fn refused_and_repeated_blocks_wait_for_nobody() {
    let door = Door::new(blocks::routes).await;
    let [minji, junho] = two(&door).await;
    let first = block(&door, minji, junho).await;
    let held = door.hold(&[minji, junho]).await;

    let again = block(&door, minji, junho).await;

    assert_eq!((again.status, again.text), (200, first.text));
    assert_eq!(unblock(&door, junho, minji).await.status, 204);
    assert_eq!(block(&door, minji, 999_999).await.refusal(), (404, "user_not_found".to_owned()));
    drop(held);
}

/// Blocks everyone from an id on.
pub(crate) async fn block_all(door: &Door, by: UserId, from: UserId) {
    let columns = "user_id, blocked_user_id, created_at";
    let everyone = format!("SELECT {by}, id, NOW(3) FROM users WHERE id >= {from}");
    door.execute(&format!("INSERT INTO block_users ({columns}) {everyone}")).await;
}

/// A block whose request ended between its commit and its projection.
async fn commit_block(tx: &mut Tx, (by, blocked, room): (UserId, UserId, RoomKey)) -> Result<(), Fault> {
    tx.users().lock_pair([by, blocked]).await?;
    tx.private_rooms().lock(room.id).await?;
    tx.blocks().insert(by, blocked, NOON).await?;
    tx.users().raise_versions(&[by]).await?;
    tx.outbox().insert(&[Aggregate::Person(by), Aggregate::PrivateRoom(room.id)], NOON).await
}

#[tokio::test]
async fn repeated_block_whose_projection_was_lost_is_projected() {
    let door = Door::new(blocks::routes).await;
    let [minji, junho] = two(&door).await;
    let room = door.open_room([minji, junho]).await;
    door.mysql().transact((minji, junho, room), commit_block).await.unwrap();
    assert!(!door.rights(room, minji).await.unwrap().blocked);

    assert_eq!(block(&door, minji, junho).await.status, 200);

    assert!(door.rights(room, minji).await.unwrap().blocked);
    assert_eq!((door.known(minji).await.blocked, door.mysql().outbox().count().await.unwrap()), (vec![junho], 0));
}

#[tokio::test]
async fn repeated_block_projects_nothing_anew() {
    let door = Door::new(blocks::routes).await;
    let [minji, junho] = two(&door).await;
    block(&door, minji, junho).await;
    testkit::mongo::refuse(door.mongo_url(), "people", minji.0).await;

    assert_eq!(block(&door, minji, junho).await.status, 200);
}

#[tokio::test]
async fn nobody_blocks_more_than_a_thousand() {
    let door = Door::new(blocks::routes).await;
    let [minji, junho] = two(&door).await;
    let crowd = door.join_crowd(i32::try_from(MOST_BLOCKS).unwrap()).await;
    block_all(&door, minji, crowd[1]).await;
    assert_eq!(block(&door, minji, junho).await.status, 201);

    let answer = block(&door, minji, crowd[0]).await;

    assert_eq!(answer.refusal(), (409, "too_many_blocks".to_owned()));
    unblock(&door, minji, junho).await;
    assert_eq!(block(&door, minji, crowd[0]).await.status, 201);
}

#[tokio::test]
async fn changes_are_limited_per_user() {
    let door = Door::new(blocks::routes).await.limited_to(2);
    let [minji, junho] = two(&door).await;
    assert_eq!(block(&door, minji, junho).await.status, 201);
    assert_eq!(unblock(&door, minji, junho).await.status, 204);

    let refused = block(&door, minji, junho).await;

    assert_eq!(refused.refusal(), (429, "rate_limited".to_owned()));
    assert!(refused.retry_after() > 0);
    assert_eq!(door.get(minji, "/blocks").await.status, 200, "reads have a limit of their own");
    assert_eq!(block(&door, junho, minji).await.status, 201, "and so has everyone else");
}

#[tokio::test]
async fn every_route_needs_a_token() {
    let door = Door::new(blocks::routes).await;

    for (method, path) in [(Method::POST, "/blocks"), (Method::GET, "/blocks"), (Method::DELETE, "/blocks/1")] {
        let answer = door.ask(method, path, None, &Value::Null).await;
        assert_eq!(answer.refusal(), (401, "unauthenticated".to_owned()), "{path}");
    }
}

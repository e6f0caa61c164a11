use crate::blocking::{block, two};
use axum::http::Method;
use domain::{Code, UserId};
use serde_json::{Value, json};
use testkit::{Answer, Door};

pub(crate) async fn unblock(door: &Door, by: UserId, blocked: impl std::fmt::Display) -> Answer {
    door.call(by, Method::DELETE, format!("/blocks/{blocked}"), &Value::Null).await
}

#[tokio::test]
async fn unblocking_removes_the_block() {
    let door = Door::new(blocks::routes).await;
    let [minji, junho] = two(&door).await;
    block(&door, minji, junho).await;

    let answer = unblock(&door, minji, junho).await;

    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
    assert_eq!(door.get(minji, "/blocks").await.json()["items"], json!([]));
    assert_eq!(door.known(minji).await.blocked, []);
}

#[tokio::test]
async fn unblocking_unknown_and_unblocked_users_answers_alike() {
    let door = Door::new(blocks::routes).await;
    let [minji, junho] = two(&door).await;
    block(&door, minji, junho).await;
    unblock(&door, minji, junho).await;

    for other in [junho, minji, UserId(999_999)] {
        assert_eq!(unblock(&door, minji, other).await.status, 204, "{other}");
    }
    assert_eq!(door.known(minji).await.version, 3, "nothing happened again");
}

#[tokio::test]
async fn malformed_user_id_answers_like_unknown_one() {
    let door = Door::new(blocks::routes).await;
    let [minji, _] = two(&door).await;

    for id in ["x", "-1", "01", "99999999999"] {
        assert_eq!(unblock(&door, minji, id).await.refusal(), (404, "user_not_found".to_owned()), "{id}");
    }
}

#[tokio::test]
async fn unblocking_reopens_the_room() {
    let door = Door::new(blocks::routes).await;
    let pair = two(&door).await;
    let room = door.open_room(pair).await;
    block(&door, pair[0], pair[1]).await;

    unblock(&door, pair[0], pair[1]).await;

    for user in pair {
        assert!(door.rights(room, user).await.unwrap().admit_writer().is_ok());
    }
}

#[tokio::test]
async fn room_of_mutual_blocks_reopens_with_the_last_unblock() {
    let door = Door::new(blocks::routes).await;
    let [minji, junho] = two(&door).await;
    let room = door.open_room([minji, junho]).await;
    block(&door, minji, junho).await;
    block(&door, junho, minji).await;

    unblock(&door, minji, junho).await;
    assert_eq!(door.rights(room, minji).await.unwrap().admit_writer(), Err(Code::RecipientUnavailable));

    unblock(&door, junho, minji).await;
    assert!(door.rights(room, minji).await.unwrap().admit_writer().is_ok());
}

#[tokio::test]
async fn unblocking_keeps_block_of_other_user() {
    let door = Door::new(blocks::routes).await;
    let [minji, junho] = two(&door).await;
    block(&door, minji, junho).await;

    assert_eq!(unblock(&door, junho, minji).await.status, 204);

    assert_eq!(door.known(minji).await.blocked, [junho]);
}

use crate::{JUNHO, MINJI, Room, STRANGER, refused};
use axum::http::Method;
use domain::UserId;
use serde_json::{Value, json};
use testkit::Answer;

async fn edit(room: &Room, user: UserId, id: &Value, content: &str) -> Answer {
    let path = format!("/messages/{}", id.as_str().unwrap());
    room.call(user, Method::PUT, path, &json!({ "content": content })).await
}

async fn delete(room: &Room, user: UserId, id: &Value) -> Answer {
    room.call(user, Method::DELETE, format!("/messages/{}", id.as_str().unwrap()), &Value::Null).await
}

#[tokio::test]
async fn author_edits_a_message_and_everybody_is_told() {
    let room = Room::new().await;
    let message = room.send(MINJI, "안뇽").await;
    room.connect_both().await;

    let answer = edit(&room, MINJI, &message["id"], "안녕").await;

    let edited = answer.json();
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(
        (&edited["content"], &edited["is_edited"], &edited["seq"]),
        (&json!("안녕"), &json!(true), &message["seq"])
    );
    assert!(edited["rev"].as_i64() > message["rev"].as_i64());
    assert_eq!([room.pushes.next().1, room.pushes.next().1].map(|frame| frame["t"].clone()), ["message.updated"; 2]);
}

#[tokio::test]
async fn author_deletes_a_message_and_a_tombstone_stays() {
    let room = Room::new().await;
    let message = room.send(MINJI, "안녕").await;
    room.connect_both().await;

    let answer = delete(&room, MINJI, &message["id"]).await;

    let deleted = answer.json();
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(
        (&deleted["content"], &deleted["is_deleted"], &deleted["seq"]),
        (&json!(""), &json!(true), &message["seq"])
    );
    assert_eq!([room.pushes.next().1, room.pushes.next().1].map(|frame| frame["t"].clone()), ["message.deleted"; 2]);
}

#[tokio::test]
async fn another_member_may_not_change_a_message() {
    let room = Room::new().await;
    let message = room.send(MINJI, "안녕").await;

    for answer in [edit(&room, JUNHO, &message["id"], "바꿈").await, delete(&room, JUNHO, &message["id"]).await] {
        assert_eq!(answer.refusal(), refused(403, "not_author"));
    }
}

#[tokio::test]
async fn stranger_gets_the_answer_of_an_unknown_message() {
    let room = Room::new().await;
    let (message, unknown) = (room.send(MINJI, "안녕").await, json!("665f1f77bcf86cd799439011"));

    for id in [&message["id"], &unknown, &json!("x")] {
        for answer in [edit(&room, STRANGER, id, "바꿈").await, delete(&room, STRANGER, id).await] {
            assert_eq!(answer.refusal(), refused(404, "message_not_found"), "{id}");
        }
    }
}

#[tokio::test]
async fn blank_edit_is_refused() {
    let room = Room::new().await;
    let message = room.send(MINJI, "안녕").await;

    let answer = edit(&room, MINJI, &message["id"], " ").await;

    assert_eq!(answer.refusal(), refused(422, "invalid_fields"));
}

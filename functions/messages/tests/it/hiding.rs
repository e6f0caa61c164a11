use crate::{JUNHO, MINJI, Room, STRANGER, contents, refused};
use axum::http::Method;
use domain::UserId;
use serde_json::{Value, json};
use testkit::Answer;

async fn hide(room: &Room, user: UserId, id: &Value) -> Answer {
    room.call(user, Method::PUT, format!("/messages/{}/hidden", id.as_str().unwrap()), &Value::Null).await
}

#[tokio::test]
async fn hidden_message_is_gone_for_the_caller_alone() {
    let room = Room::new().await;
    let (message, _) = (room.send(MINJI, "안녕").await, room.send(MINJI, "잘 가").await);
    room.connect_both().await;

    for _ in 0..2 {
        assert_eq!(hide(&room, JUNHO, &message["id"]).await.status, 204);
    }

    let list = format!("/messages/{}", room.key.id);
    assert_eq!(contents(&room.get(JUNHO, list.as_str()).await.json()), ["잘 가"]);
    assert_eq!(contents(&room.get(MINJI, list.as_str()).await.json()), ["안녕", "잘 가"]);
    assert_eq!(room.get(JUNHO, "/messages/unread").await.json()["items"][0]["unread_count"], 1);
    let (connection, frame) = room.pushes.next();
    assert_eq!(
        (connection.as_str(), &frame["t"], &frame["d"]["id"]),
        ("junho", &json!("message.hidden"), &message["id"])
    );
}

#[tokio::test]
async fn stranger_hiding_gets_the_answer_of_an_unknown_message() {
    let room = Room::new().await;
    let (message, unknown) = (room.send(MINJI, "안녕").await, json!("665f1f77bcf86cd799439011"));

    for id in [&message["id"], &unknown, &json!("x")] {
        assert_eq!(hide(&room, STRANGER, id).await.refusal(), refused(404, "message_not_found"), "{id}");
    }
}

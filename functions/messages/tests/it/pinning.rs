use crate::{JUNHO, MINJI, Room, STRANGER, refused};
use axum::http::Method;
use domain::UserId;
use serde_json::{Value, json};
use testkit::{Answer, NOON};

async fn pin(room: &Room, user: UserId, message: &Value) -> Answer {
    room.call(user, Method::PUT, path(message), &Value::Null).await
}

async fn unpin(room: &Room, user: UserId, message: &Value) -> Answer {
    room.call(user, Method::DELETE, path(message), &Value::Null).await
}

fn path(message: &Value) -> String {
    format!("/messages/{}/pin", message["id"].as_str().unwrap())
}

async fn list(room: &Room, user: UserId, query: &str) -> Answer {
    room.get(user, format!("/messages/pins?room_id={}{query}", room.key.id)).await
}

#[tokio::test]
async fn pinned_message_is_shown_listed_and_pushed() {
    let room = Room::new().await;
    let message = room.send(MINJI, "안녕").await;
    room.connect_both().await;

    let answer = pin(&room, JUNHO, &message).await;

    let pinned = answer.json();
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!((&pinned["pinned_at"], &pinned["pinned_by"]), (&json!(NOON), &json!(JUNHO)));
    assert_eq!(pinned["is_edited"], false);
    for (_, frame) in [room.pushes.next(), room.pushes.next()] {
        assert_eq!((&frame["t"], &frame["rev"]), (&json!("message.updated"), &pinned["rev"]));
        assert_eq!(frame["d"]["pinned_by"], json!(JUNHO));
    }
    assert_eq!(list(&room, MINJI, "").await.json(), json!({ "items": [pinned], "next_cursor": null }));
}

#[tokio::test]
async fn message_is_pinned_and_unpinned_once() {
    let room = Room::new().await;
    let message = room.send(MINJI, "안녕").await;
    let pinned = pin(&room, MINJI, &message).await;
    room.is_delivered(&message).await;
    assert_eq!(pin(&room, JUNHO, &message).await.parts(), pinned.parts());

    let unpinned = unpin(&room, JUNHO, &message).await;
    room.is_delivered(&message).await;

    assert_eq!((unpinned.status, &unpinned.json()["pinned_at"]), (200, &Value::Null));
    assert_eq!(unpin(&room, MINJI, &message).await.parts(), unpinned.parts());
    assert_eq!(list(&room, MINJI, "").await.json()["items"], json!([]));
}

#[tokio::test]
async fn pins_are_listed_in_pages() {
    let room = Room::new().await;
    for content in ["하나", "둘", "셋"] {
        let message = room.send(MINJI, content).await;
        pin(&room, MINJI, &message).await;
    }

    let first = list(&room, JUNHO, "&limit=2").await.json();
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = list(&room, JUNHO, &format!("&limit=2&cursor={cursor}")).await.json();

    // Those of one moment are listed by id, the newest first.
    assert_eq!((crate::contents(&first), crate::contents(&second)), (vec!["셋", "둘"], vec!["하나"]));
    assert_eq!(second["next_cursor"], Value::Null);
    assert_eq!(list(&room, JUNHO, "&cursor=x").await.refusal(), refused(422, "invalid_fields"));
}

#[tokio::test]
async fn stranger_gets_the_answers_of_unknown_messages_and_rooms() {
    let room = Room::new().await;
    let message = room.send(MINJI, "안녕").await;
    let unknown = json!({ "id": "665f1f77bcf86cd799439011" });

    for (hidden, unknown) in [
        (pin(&room, STRANGER, &message).await, pin(&room, STRANGER, &unknown).await),
        (unpin(&room, STRANGER, &message).await, unpin(&room, STRANGER, &unknown).await),
    ] {
        assert_eq!(hidden.refusal(), refused(404, "message_not_found"));
        assert_eq!((hidden.status, hidden.text), (unknown.status, unknown.text));
    }
    let unknown = room.get(STRANGER, "/messages/pins?room_id=999").await;
    assert_eq!(list(&room, STRANGER, "").await.refusal(), refused(404, "room_not_found"));
    assert_eq!(list(&room, STRANGER, "").await.text, unknown.text);
}

#[tokio::test]
async fn nobody_pins_across_a_block() {
    let room = Room::new().await;
    let message = room.send(MINJI, "안녕").await;
    room.project_block([MINJI, JUNHO]).await;

    for answer in [pin(&room, MINJI, &message).await, pin(&room, JUNHO, &message).await] {
        assert_eq!(answer.refusal(), refused(403, "recipient_unavailable"));
    }
}

use crate::{JUNHO, MINJI, Room, STRANGER, refused};
use axum::http::Method;
use domain::UserId;
use serde_json::{Value, json};
use testkit::Answer;

async fn forward(room: &Room, user: UserId, id: &Value, to: &Value) -> Answer {
    room.call(user, Method::POST, format!("/messages/{}/forward", id.as_str().unwrap()), to).await
}

#[tokio::test]
async fn forwarded_message_says_who_wrote_it() {
    let room = Room::new().await;
    let source = room.send(MINJI, "안녕").await;
    room.connect_both().await;
    let to = json!({ "room_id": room.key.id, "room_type": "private", "client_id": "f" });

    let answer = forward(&room, JUNHO, &source["id"], &to).await;

    let message = answer.json();
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert_eq!((&message["content"], &message["user_id"]), (&json!("안녕"), &json!(JUNHO)));
    assert_eq!((&message["forwarded_from"], &message["seq"]), (&json!({ "user_id": MINJI }), &json!(2)));
    assert_eq!([room.pushes.next().1, room.pushes.next().1].map(|frame| frame["t"].clone()), ["message.created"; 2]);
    room.is_delivered(&message).await;
    assert_eq!(forward(&room, JUNHO, &source["id"], &to).await.parts(), (200, message));
}

#[tokio::test]
async fn forward_without_client_id_gets_one() {
    let room = Room::new().await;
    let source = room.send(MINJI, "안녕").await;
    let to = json!({ "room_id": room.key.id, "room_type": "private" });

    let [first, second] =
        [forward(&room, MINJI, &source["id"], &to).await, forward(&room, MINJI, &source["id"], &to).await];

    assert_eq!((first.status, second.status), (201, 201));
    assert_ne!(first.json()["id"], second.json()["id"]);
}

#[tokio::test]
async fn forward_needs_a_known_message_and_room() {
    let room = Room::new().await;
    let (source, unknown) = (room.send(MINJI, "안녕").await, json!("665f1f77bcf86cd799439011"));
    let to = json!({ "room_id": room.key.id, "room_type": "private" });

    for id in [&source["id"], &unknown, &json!("x")] {
        assert_eq!(forward(&room, STRANGER, id, &to).await.refusal(), refused(404, "message_not_found"), "{id}");
    }
    let elsewhere = json!({ "room_id": 99, "room_type": "group" });
    assert_eq!(forward(&room, MINJI, &source["id"], &elsewhere).await.refusal(), refused(404, "room_not_found"));
    for bad in [json!({}), json!({ "room_id": 1, "room_type": "private", "client_id": "한글" })] {
        assert_eq!(forward(&room, MINJI, &source["id"], &bad).await.refusal(), refused(422, "invalid_fields"));
    }
}

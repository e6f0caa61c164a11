use crate::{JUNHO, MINJI, Room, STRANGER, refused};
use axum::http::Method;
use domain::UserId;
use serde_json::{Value, json};
use testkit::{Answer, NOON};

/// The thumb as a parameter of a query.
const THUMB: &str = "%F0%9F%91%8D";

fn path(message: &Value) -> String {
    format!("/messages/{}/reactions", message["id"].as_str().unwrap())
}

async fn add(room: &Room, user: UserId, message: &Value, emoji: &str) -> Answer {
    room.call(user, Method::PUT, path(message), &json!({ "emoji": emoji })).await
}

async fn remove(room: &Room, user: UserId, message: &Value, emoji: &str) -> Answer {
    room.call(user, Method::DELETE, format!("{}?emoji={emoji}", path(message)), &Value::Null).await
}

#[tokio::test]
async fn reactions_are_counted_and_listed() {
    let room = Room::new().await;
    let message = room.send(MINJI, "안녕").await;

    add(&room, MINJI, &message, "👍").await;
    let answer = add(&room, JUNHO, &message, "👍").await;

    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.json()["id"], message["id"]);
    assert_eq!(answer.json()["reactions"], json!([{ "emoji": "👍", "count": 2, "mine": true }]));
    let first = room.get(JUNHO, format!("{}?emoji={THUMB}&limit=1", path(&message))).await.json();
    assert_eq!(first["items"], json!([{ "user_id": MINJI, "emoji": "👍", "at": NOON }]));
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = room.get(JUNHO, format!("{}?limit=1&cursor={cursor}", path(&message))).await.json();
    assert_eq!(second["items"], json!([{ "user_id": JUNHO, "emoji": "👍", "at": NOON }]));
    assert_eq!(second["next_cursor"], Value::Null);
}

#[tokio::test]
async fn everybody_is_told_of_a_reaction() {
    let room = Room::new().await;
    let message = room.send(MINJI, "안녕").await;
    room.connect_both().await;

    add(&room, JUNHO, &message, "🎉").await;

    for (_, frame) in [room.pushes.next(), room.pushes.next()] {
        assert_eq!((&frame["t"], &frame["d"]["id"]), (&json!("reaction.changed"), &message["id"]));
        assert_eq!(frame["d"]["reactions"], json!([{ "emoji": "🎉", "count": 1 }]));
    }
}

#[tokio::test]
async fn reaction_is_added_and_removed_once() {
    let room = Room::new().await;
    let message = room.send(MINJI, "안녕").await;
    let first = add(&room, JUNHO, &message, "👍").await;
    room.is_delivered(&message).await;

    assert_eq!(add(&room, JUNHO, &message, "👍").await.parts(), first.parts());
    let removed = remove(&room, JUNHO, &message, THUMB).await;
    room.is_delivered(&message).await;
    assert_eq!((removed.status, &removed.json()["reactions"]), (200, &json!([])));
    assert_eq!(remove(&room, JUNHO, &message, THUMB).await.parts(), removed.parts());
}

#[tokio::test]
async fn text_that_is_not_one_emoji_is_refused() {
    let room = Room::new().await;
    let message = room.send(MINJI, "안녕").await;

    for emoji in ["", "a", "7", "👍👍"] {
        let answer = add(&room, JUNHO, &message, emoji).await;
        assert_eq!(answer.refusal(), refused(422, "invalid_fields"), "{emoji}");
        assert_eq!(answer.json()["errors"][0]["field"], "emoji");
    }
    for answer in [remove(&room, JUNHO, &message, "a").await, room.get(JUNHO, path(&message) + "?emoji=a").await] {
        assert_eq!(answer.refusal(), refused(422, "invalid_fields"));
    }
}

#[tokio::test]
async fn twenty_first_emoji_conflicts() {
    let room = Room::new().await;
    let message = room.send(MINJI, "안녕").await;
    for emoji in "😀😃😄😁😆😅🤣😂🙂🙃🫠😉😊😇🥰😍🤩😘😗😚".chars() {
        assert_eq!(add(&room, JUNHO, &message, &emoji.to_string()).await.status, 200);
    }

    assert_eq!(add(&room, MINJI, &message, "👍").await.refusal(), refused(409, "too_many_reactions"));
    assert_eq!(add(&room, MINJI, &message, "😀").await.status, 200);
}

#[tokio::test]
async fn stranger_gets_the_answer_of_an_unknown_message() {
    let room = Room::new().await;
    let message = room.send(MINJI, "안녕").await;
    let unknown = json!({ "id": "665f1f77bcf86cd799439011" });

    for (hidden, unknown) in [
        (add(&room, STRANGER, &message, "👍").await, add(&room, STRANGER, &unknown, "👍").await),
        (remove(&room, STRANGER, &message, THUMB).await, remove(&room, STRANGER, &unknown, THUMB).await),
        (room.get(STRANGER, path(&message)).await, room.get(STRANGER, path(&unknown)).await),
    ] {
        assert_eq!(hidden.refusal(), refused(404, "message_not_found"));
        assert_eq!((hidden.status, hidden.text), (unknown.status, unknown.text));
    }
}

#[tokio::test]
async fn nobody_reacts_across_a_block() {
    let room = Room::new().await;
    let message = room.send(MINJI, "안녕").await;
    add(&room, JUNHO, &message, "👍").await;
    room.project_block([MINJI, JUNHO]).await;

    assert_eq!(add(&room, JUNHO, &message, "🎉").await.refusal(), refused(403, "recipient_unavailable"));
    assert_eq!(remove(&room, JUNHO, &message, THUMB).await.status, 200);
    assert_eq!(room.get(MINJI, path(&message)).await.json()["items"], json!([]));
}

#[tokio::test]
async fn reaction_over_the_limit_is_told_when_to_retry() {
    let room = Room::new().await;
    let message = room.send(MINJI, "안녕").await;
    let room = room.limited_to(1);
    assert_eq!(add(&room, JUNHO, &message, "👍").await.status, 200);

    let refusal = add(&room, JUNHO, &message, "🎉").await;

    assert_eq!(refusal.refusal(), refused(429, "rate_limited"));
    assert!((1..=60).contains(&refusal.retry_after()));
}

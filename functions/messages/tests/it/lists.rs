use crate::{JUNHO, MINJI, Room, STRANGER, contents, refused};
use axum::http::Method;
use serde_json::json;

/// Of a message that was edited twice and has two replies.
async fn told() -> (Room, String) {
    let room = Room::new().await;
    let message = room.send(MINJI, "안뇽").await;
    let path = format!("/messages/{}", message["id"].as_str().unwrap());
    for content in ["안녕", "안녕하세요"] {
        room.call(MINJI, Method::PUT, path.as_str(), &json!({ "content": content })).await;
    }
    for content in ["네", "네네"] {
        let mut reply = room.message(content, content);
        reply["client_id"] = json!(content.len().to_string());
        reply["reply_to"] = message["id"].clone();
        assert_eq!(room.post(JUNHO, &reply).await.status, 201);
    }
    (room, path)
}

#[tokio::test]
async fn history_has_the_earlier_texts() {
    let (room, path) = told().await;

    let first = room.get(JUNHO, format!("{path}/history?limit=1")).await.json();
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = room.get(JUNHO, format!("{path}/history?limit=1&cursor={cursor}")).await.json();

    assert_eq!((contents(&first), contents(&second)), (vec!["안녕"], vec!["안뇽"]));
    assert!(first["items"][0]["edited_at"].is_string() && second["items"][0]["edited_at"].is_null());
    assert!(second["next_cursor"].is_null());
}

#[tokio::test]
async fn replies_are_paged() {
    let (room, path) = told().await;

    let first = room.get(MINJI, format!("{path}/replies?limit=1")).await.json();
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = room.get(MINJI, format!("{path}/replies?cursor={cursor}")).await.json();

    assert_eq!((contents(&first), contents(&second)), (vec!["네"], vec!["네네"]));
    assert!(second["next_cursor"].is_null());
}

#[tokio::test]
async fn lists_of_a_message_are_hidden_from_strangers() {
    let (room, path) = told().await;

    for list in ["history", "replies"] {
        for path in [path.as_str(), "/messages/665f1f77bcf86cd799439011", "/messages/x"] {
            let answer = room.get(STRANGER, format!("{path}/{list}")).await;
            assert_eq!(answer.refusal(), refused(404, "message_not_found"), "{path}");
        }
        for query in ["limit=0", "cursor=x", "page=1"] {
            let answer = room.get(MINJI, format!("{path}/{list}?{query}")).await;
            assert_eq!(answer.refusal(), refused(422, "invalid_fields"), "{query}");
        }
    }
}

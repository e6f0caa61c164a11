use crate::{JUNHO, MINJI, Room, STRANGER, contents, refused};
use axum::http::Method;
use domain::UserId;
use serde_json::{Value, json};
use testkit::Answer;

async fn list(room: &Room, user: UserId, query: &str) -> Answer {
    room.get(user, format!("/messages/{}{query}", room.key.id)).await
}

async fn sync(room: &Room, user: UserId, query: &str) -> Answer {
    room.get(user, format!("/messages/sync?room_id={}&{query}", room.key.id)).await
}

async fn read(room: &Room, user: UserId, seq: i64) -> Answer {
    let request = json!({ "room_id": room.key.id, "room_type": "private", "seq": seq });
    room.call(user, Method::POST, "/messages/read", &request).await
}

#[tokio::test]
async fn pages_hold_the_oldest_message_first() {
    let room = Room::new().await;
    for content in ["하나", "둘", "셋"] {
        room.send(MINJI, content).await;
    }

    let newest = list(&room, JUNHO, "?limit=2").await.json();
    let older = list(&room, JUNHO, "?limit=2&before=2").await.json();

    assert_eq!(
        (contents(&newest), &newest["has_before"], &newest["has_after"]),
        (vec!["둘", "셋"], &json!(true), &json!(false))
    );
    assert_eq!(
        (contents(&older), &older["has_before"], &older["has_after"]),
        (vec!["하나"], &json!(false), &json!(true))
    );
}

#[tokio::test]
async fn sync_answers_changes_after_a_cursor() {
    let room = Room::new().await;
    for content in ["하나", "둘", "셋"] {
        room.send(MINJI, content).await;
    }

    // A release is known to a majority a moment later: clients ask again while `cursor < head`.
    let page = loop {
        let page = sync(&room, JUNHO, "after_rev=1").await.json();
        if page["cursor"] == page["head"] {
            break page;
        }
    };

    assert_eq!((contents(&page), &page["head"], &page["more"]), (vec!["둘", "셋"], &json!(3), &json!(false)));
}

#[tokio::test]
async fn unread_count_falls_when_messages_are_read() {
    let room = Room::new().await;
    for content in ["하나", "둘", "셋"] {
        room.send(MINJI, content).await;
    }
    let unread = room.get(JUNHO, "/messages/unread").await.json();

    let answer = read(&room, JUNHO, 2).await;

    let row = json!({ "room_id": room.key.id, "room_type": "private", "unread_count": 3, "read_seq": 0 });
    assert_eq!(unread["items"], json!([row]));
    assert_eq!(answer.parts(), (200, json!({ "read_seq": 2, "unread_count": 1 })));
}

#[tokio::test]
async fn total_falls_when_messages_are_read() {
    let room = Room::new().await;
    for content in ["하나", "둘", "셋"] {
        room.send(MINJI, content).await;
    }
    let total = room.get(JUNHO, "/messages/unread/total").await.json();
    assert_eq!(total, json!({ "messages": 3, "rooms": 1, "mentions": 0, "badge": 3 }));

    read(&room, JUNHO, 2).await;

    let total = room.get(JUNHO, "/messages/unread/total").await.json();
    assert_eq!(total, json!({ "messages": 1, "rooms": 1, "mentions": 0, "badge": 1 }));
    read(&room, JUNHO, 3).await;
    let total = room.get(JUNHO, "/messages/unread/total").await.json();
    assert_eq!(total, json!({ "messages": 0, "rooms": 0, "mentions": 0, "badge": 0 }));
}

#[tokio::test]
async fn both_people_are_told_what_was_read() {
    let room = Room::new().await;
    room.send(MINJI, "안녕").await;
    room.connect_both().await;

    read(&room, JUNHO, 1).await;

    for (_, frame) in [room.pushes.next(), room.pushes.next()] {
        assert_eq!((&frame["t"], &frame["d"]), (&json!("receipt.read"), &json!({ "user_id": JUNHO, "read_seq": 1 })));
    }
}

#[tokio::test]
async fn own_messages_are_never_unread() {
    let room = Room::new().await;
    room.send(MINJI, "안녕").await;

    let unread = room.get(MINJI, "/messages/unread").await.json();

    assert_eq!(unread["items"], json!([]));
}

#[tokio::test]
async fn stranger_reads_nothing_of_a_room() {
    let room = Room::new().await;
    room.send(MINJI, "안녕").await;

    for answer in [
        list(&room, STRANGER, "").await,
        sync(&room, STRANGER, "after_rev=0").await,
        read(&room, STRANGER, 1).await,
        room.get(STRANGER, "/messages/999").await,
    ] {
        assert_eq!(answer.refusal(), refused(404, "room_not_found"));
    }
    assert_eq!(room.get(STRANGER, "/messages/unread").await.json()["items"], Value::Array(Vec::new()));
}

#[tokio::test]
async fn bad_queries_are_refused() {
    let room = Room::new().await;

    for query in ["?limit=0", "?limit=101", "?before=x", "?before=1&after=1", "?page=1", "?room_type=dm"] {
        assert_eq!(list(&room, MINJI, query).await.refusal(), refused(422, "invalid_fields"), "{query}");
    }
    for query in ["", "after_rev=x", "after_rev=0&limit=0"] {
        assert_eq!(sync(&room, MINJI, query).await.refusal(), refused(422, "invalid_fields"), "{query}");
    }
}

#[tokio::test]
async fn reads_and_read_cursors_are_limited_per_user() {
    let room = Room::new().await;
    room.send(JUNHO, "안녕").await;
    let room = room.limited_to(2);

    for _ in 0..2 {
        assert_eq!(sync(&room, MINJI, "after_rev=0").await.status, 200);
        assert_eq!(read(&room, MINJI, 1).await.status, 200);
    }

    for answer in [
        sync(&room, MINJI, "after_rev=0").await,
        list(&room, MINJI, "").await,
        room.get(MINJI, "/messages/unread").await,
        read(&room, MINJI, 1).await,
    ] {
        assert_eq!(answer.refusal(), refused(429, "rate_limited"));
        assert!(answer.retry_after() > 0);
    }
    assert_eq!(list(&room, JUNHO, "").await.status, 200, "another one's limit is their own");
}

#[tokio::test]
async fn receipts_show_how_far_each_of_the_two_has_read() {
    let room = Room::new().await;
    let sent = room.send(MINJI, "안녕").await;
    read(&room, JUNHO, 1).await;
    let list = format!("/messages/receipts?room_id={}", room.key.id);
    let of_message = format!("/messages/{}/receipts", sent["id"].as_str().unwrap());

    let receipts = room.get(MINJI, &list).await.parts();
    let readers = room.get(MINJI, &of_message).await.parts();

    let cursor = |user, seq| json!({ "user_id": user, "read_seq": seq, "delivered_seq": seq });
    assert_eq!(receipts, (200, json!({ "items": [cursor(MINJI, 0), cursor(JUNHO, 1)] })));
    let expected = json!({ "read_count": 1, "member_count": 1, "read_by": [JUNHO], "not_read_by": [] });
    assert_eq!(readers, (200, expected));
    assert_eq!(room.get(STRANGER, &list).await.refusal(), refused(404, "room_not_found"));
    assert_eq!(room.get(STRANGER, &of_message).await.refusal(), refused(404, "message_not_found"));
}

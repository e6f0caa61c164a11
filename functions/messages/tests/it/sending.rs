use crate::{JUNHO, MINJI, Room, STRANGER, refused};
use domain::{UploadId, UploadState};
use serde_json::json;
use testkit::{NOON, mongo::Uploaded};

#[tokio::test]
async fn sent_message_is_answered_and_pushed_to_every_device() {
    let room = Room::new().await;
    room.connect_both().await;

    let answer = room.post(MINJI, &room.message("c1", "안녕")).await;

    let message = answer.json();
    assert_eq!(answer.status, 201, "{}", answer.text);
    let expected = json!({
        "id": message["id"], "room_id": room.key.id, "room_type": "private", "user_id": MINJI, "content": "안녕",
        "message_type": "text", "reply_to": null, "seq": 1, "rev": 1, "client_id": "c1", "is_edited": false,
        "edited_at": null, "is_deleted": false, "created_at": NOON, "updated_at": NOON,
    });
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(message.get(field).unwrap_or(&json!(null)), value, "{field}");
    }
    let mut pushed = [room.pushes.next(), room.pushes.next()];
    pushed.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!([&*pushed[0].0, &pushed[1].0], ["junho", "minji"]);
    for (_, frame) in &pushed {
        assert_eq!((&frame["t"], &frame["d"]["id"]), (&json!("message.created"), &message["id"]));
    }
}

#[tokio::test]
async fn retry_is_answered_with_the_first_message() {
    let room = Room::new().await;
    let first = room.post(MINJI, &room.message("c1", "안녕")).await;
    room.is_delivered(&first.json()).await;

    let retry = room.post(MINJI, &room.message("c1", "안녕")).await;

    assert_eq!(retry.parts(), (200, first.json()));
}

#[tokio::test]
async fn another_message_under_a_used_client_id_conflicts() {
    let room = Room::new().await;
    room.post(MINJI, &room.message("c1", "안녕")).await;

    let other = room.post(MINJI, &room.message("c1", "잘 가")).await;

    assert_eq!(other.refusal(), refused(409, "client_id_reused"));
}

#[tokio::test]
async fn message_without_client_id_gets_one() {
    let room = Room::new().await;
    let mut message = room.message("", "안녕");
    message.as_object_mut().unwrap().remove("client_id");

    let [first, second] = [room.post(MINJI, &message).await.json(), room.post(MINJI, &message).await.json()];

    assert!(!first["client_id"].as_str().unwrap().is_empty());
    assert_ne!(first["id"], second["id"]);
}

#[tokio::test]
async fn reply_carries_its_quote() {
    let room = Room::new().await;
    let question = room.send(JUNHO, "어디?").await;
    let mut reply = room.message("c1", "집");
    reply["reply_to"] = question["id"].clone();

    let reply = room.post(MINJI, &reply).await.json();

    let quote = &reply["quote"];
    assert_eq!(
        (&quote["user_id"], &quote["content"], &quote["is_deleted"]),
        (&json!(JUNHO), &json!("어디?"), &json!(false))
    );
    assert_eq!((&quote["message_type"], &quote["attachment"]), (&json!("text"), &json!(null)));
}

#[tokio::test]
async fn bad_fields_are_named() {
    let room = Room::new().await;
    for (field, value) in [
        // The names of unknown fields are not repeated.
        ("$", json!(1)),
        ("content", json!("  ")),
        ("content", json!("가".repeat(5_001))),
        ("message_type", json!("system")),
        ("attachments", json!(1)),
        ("client_id", json!("한글")),
        ("reply_to", json!("665f1f77bcf86cd799439011")),
    ] {
        let mut message = room.message("c1", "안녕");
        message[field] = value;

        let answer = room.post(MINJI, &message).await;

        assert_eq!(answer.refusal(), refused(422, "invalid_fields"), "{field}");
        assert_eq!(answer.json()["errors"][0]["field"], field);
    }
}

#[tokio::test]
async fn stranger_gets_the_answer_of_an_unknown_room() {
    let room = Room::new().await;
    let mut nowhere = room.message("c1", "안녕");
    nowhere["room_id"] = json!(999);

    let (hidden, unknown) =
        (room.post(STRANGER, &room.message("c1", "안녕")).await, room.post(STRANGER, &nowhere).await);

    assert_eq!(hidden.refusal(), refused(404, "room_not_found"));
    assert_eq!((hidden.status, hidden.text), (unknown.status, unknown.text));
}

#[tokio::test]
async fn nobody_writes_across_a_block() {
    let room = Room::new().await;
    room.project_block([MINJI, JUNHO]).await;

    for user in [MINJI, JUNHO] {
        let answer = room.post(user, &room.message("c1", "안녕")).await;
        assert_eq!(answer.refusal(), refused(403, "recipient_unavailable"));
    }
}

#[tokio::test]
async fn sender_over_the_limit_is_told_when_to_retry() {
    let room = Room::new().await.limited_to(2);
    room.send(MINJI, "하나").await;
    room.send(MINJI, "둘").await;

    let refusal = room.post(MINJI, &room.message("c3", "셋")).await;

    assert_eq!(refusal.refusal(), refused(429, "rate_limited"));
    assert!((1..=60).contains(&refusal.retry_after()));
    room.send(JUNHO, "각자").await;
}

#[tokio::test]
async fn message_with_files_is_sent_once() {
    let room = Room::new().await;
    let picture = Uploaded::by(MINJI, 1).make(room.mongo(), NOON).await;
    let early = Uploaded { state: UploadState::Uploaded, ..Uploaded::by(MINJI, 2) }.make(room.mongo(), NOON).await;
    let share = async |client_id: &str, upload: UploadId| {
        let mut message = room.message(client_id, "");
        message["message_type"] = json!("image");
        message["attachments"] = json!([{ "upload_id": upload }]);
        room.post(MINJI, &message).await
    };

    let sent = share("a", picture).await;

    assert_eq!((sent.status, &sent.json()["attachments"][0]["id"]), (201, &json!(picture)));
    assert_eq!(share("a", picture).await.status, 200);
    assert_eq!(share("b", picture).await.refusal(), refused(409, "upload_taken"));
    let waits = share("c", early).await;
    assert_eq!((waits.refusal(), waits.retry_after()), (refused(409, "upload_not_ready"), 1));
    let unknown = share("d", UploadId([9; 16])).await;
    assert_eq!((unknown.status, &unknown.json()["errors"][0]["field"]), (422, &json!("attachments.0.upload_id")));
}

use crate::{JUNHO, MINJI, Room, STRANGER, refused};
use axum::http::Method;
use domain::UserId;
use serde_json::{Value, json};
use testkit::Answer;

/// A query string as a browser writes it.
fn query(parameters: &[(&str, &str)]) -> String {
    let escape = |text: &str| {
        text.bytes().flat_map(|byte| format!("%{byte:02X}").into_bytes()).map(char::from).collect::<String>()
    };
    let each: Vec<_> = parameters.iter().map(|(name, value)| format!("{name}={}", escape(value))).collect();
    format!("/messages/search?{}", each.join("&"))
}

async fn search(room: &Room, user: UserId, parameters: &[(&str, &str)]) -> Answer {
    room.get(user, query(parameters)).await
}

fn contents(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|item| item["message"]["content"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn message_is_found_with_where_the_words_stand() {
    let room = Room::new().await;
    let message = room.send(MINJI, "👍 내일 회의록을 보내요").await;
    room.is_delivered(&message).await;

    let answer = search(&room, JUNHO, &[("q", "회의 내일")]).await;

    assert_eq!(answer.status, 200, "{}", answer.text);
    // An emoji takes two units.
    let hit = json!({ "message": message, "ranges": [[3, 5], [6, 8]] });
    assert_eq!(answer.json(), json!({ "items": [hit], "next_cursor": null, "incomplete": false }));
}

#[tokio::test]
async fn pages_are_asked_for_with_the_same_parameters() {
    let room = Room::new().await;
    for content in ["회의 하나", "회의 둘", "회의 셋"] {
        room.send(MINJI, content).await;
    }

    let first = search(&room, JUNHO, &[("q", "회의"), ("limit", "2")]).await.json();
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = search(&room, JUNHO, &[("q", "회의"), ("limit", "50"), ("cursor", cursor)]).await.json();

    assert_eq!((contents(&first), contents(&second)), (vec!["회의 셋", "회의 둘"], vec!["회의 하나"]));
    assert_eq!(second["next_cursor"], Value::Null);
    for other in [
        &[("q", "회"), ("room_id", "1"), ("cursor", cursor)][..],
        &[("q", "회의"), ("room_id", "1"), ("cursor", cursor)],
        &[("q", "회의"), ("from", "1"), ("cursor", cursor)],
        &[("q", "회의"), ("cursor", "x")],
        &[("q", "회의"), ("cursor", "bnVsbA")],
    ] {
        let answer = search(&room, JUNHO, other).await;
        assert_refused("cursor", "bad_format", &answer);
    }
    let foreign = search(&room, MINJI, &[("q", "회의"), ("cursor", cursor)]).await;
    assert_eq!(foreign.refusal(), refused(422, "invalid_fields"));
}

/// One field alone is refused.
fn assert_refused(field: &str, reason: &str, answer: &Answer) {
    let problem = answer.json();
    assert_eq!((answer.status, &problem["code"]), (422, &json!("invalid_fields")), "{}", answer.text);
    let errors = problem["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 1, "{problem}");
    assert_eq!((&errors[0]["field"], &errors[0]["code"]), (&json!(field), &json!(reason)), "{problem}");
}

#[tokio::test]
async fn refused_parameter_is_named() {
    let room = Room::new().await;
    let long = "가".repeat(101);
    for (parameters, field, reason) in [
        (&[] as &[(&str, &str)], "q", "required"),
        (&[("room_id", "1")], "q", "required"),
        (&[("q", "  ")], "q", "blank"),
        (&[("q", long.as_str())], "q", "too_long"),
        (&[("q", "가 나 다 라 마 바 사 아 자 차 카")], "q", "too_long"),
        (&[("q", "안\u{0}녕")], "q", "control_character"),
        (&[("q", "밥")], "q", "too_short"),
        (&[("q", "C++")], "q", "too_short"),
        (&[("q", "회의"), ("has", "text")], "has", "unsupported"),
        (&[("q", "회의"), ("room_type", "group")], "room_type", "contradiction"),
        (&[("q", "회의"), ("since", "어제")], "since", "bad_format"),
        (&[("q", "회의"), ("until", "2026-09-21")], "until", "bad_format"),
        (
            &[("q", "회의"), ("since", "2026-09-21T00:00:00Z"), ("until", "2026-09-21T00:00:00Z")],
            "until",
            "contradiction",
        ),
        (&[("q", "회의"), ("limit", "0")], "limit", "out_of_range"),
        (&[("q", "회의"), ("page", "2")], "$", "unknown_field"),
    ] {
        let answer = search(&room, MINJI, parameters).await;
        assert_refused(field, reason, &answer);
    }
}

#[tokio::test]
async fn stranger_gets_the_answer_of_an_unknown_room() {
    let room = Room::new().await;
    room.send(MINJI, "회의").await;

    for q in ["회의", "회"] {
        let hidden = search(&room, STRANGER, &[("q", q), ("room_id", "1")]).await;
        let unknown = search(&room, STRANGER, &[("q", q), ("room_id", "999")]).await;
        assert_eq!(hidden.refusal(), refused(404, "room_not_found"));
        assert_eq!((hidden.status, hidden.text), (unknown.status, unknown.text));
    }
    assert_eq!(search(&room, STRANGER, &[("q", "회의")]).await.json()["items"], json!([]));
}

#[tokio::test]
async fn searches_have_a_limit_of_their_own() {
    let room = Room::new().await.limited_to(2);
    let parameters = [("q", "회의")];
    for _ in 0..2 {
        assert_eq!(search(&room, MINJI, &parameters).await.status, 200);
    }

    let refused_search = search(&room, MINJI, &parameters).await;

    assert_eq!(refused_search.refusal(), refused(429, "rate_limited"));
    assert!(refused_search.retry_after() > 0);
    let bucket = refused_search.headers["ratelimit"].to_str().unwrap().to_owned();
    assert!(bucket.contains("message-searches"), "{bucket}");
    assert_eq!(search(&room, MINJI, &[("q", "밥")]).await.refusal(), refused(422, "invalid_fields"), "costs nothing");
    assert_eq!(search(&room, JUNHO, &parameters).await.status, 200, "others have their own");
}

#[tokio::test]
async fn headers_alone_are_answered_too() {
    let room = Room::new().await;
    let answer = room.call(MINJI, Method::HEAD, query(&[("q", "회의")]), &Value::Null).await;
    assert_eq!((answer.status, answer.text.as_str()), (200, ""));
}

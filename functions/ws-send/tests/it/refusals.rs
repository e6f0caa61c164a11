//! Frames that are refused, and what frames cost.

use crate::scene::{MINJI, Sockets, refusal};
use domain::SessionId;
use mongo::Mongo;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use testkit::limits_of;

#[tokio::test]
async fn frames_look_at_no_more_than_they_need() {
    let sockets = Sockets::new().await;
    let room = sockets.room.to_string();
    sockets.stores.mongo().gates().is_ended(MINJI, &SessionId::from_bytes([1; 16])).await.unwrap();
    let mut profile = sockets.stores.profile().await;
    let send = json!({ "room": room, "client_id": "c", "content": "안녕" });

    for (action, details, commands) in [
        ("ping", json!({}), 1),
        ("state", json!({ "active": true }), 2),
        ("typing", json!({ "room": room, "on": true }), 2),
        ("typing", json!({ "room": room, "on": true }), 1),
        ("delivered", json!({ "room": room, "seq": 1 }), 3),
        ("read", json!({ "room": room, "seq": 1 }), 4),
        ("ping", json!({ "cursors": { &room: 0 } }), 2),
        ("ping", json!({ "cursors": { &room: 0 }, "user_rev": 0 }), 3),
        ("hello", json!({ "v": 1, "cursors": { &room: 0 } }), 7),
        // The frame, the gate and the earlier request; reserve, write, release and the recipients; the note of the push.
        ("send", send, 8),
        ("read", json!({ "room": room, "seq": 1 }), 5),
        ("sync", json!({ "room": room, "after_rev": 0 }), 2),
        ("fly", json!({}), 1),
    ] {
        sockets.ask("minji", action, &details).await;
        assert_eq!(profile.count().await, commands, "{action} {details}");
    }
}

#[tokio::test]
async fn id_that_is_no_short_string_is_refused_and_not_repeated() {
    let sockets = Sockets::new().await;

    for (id, reason) in [(json!(7), "wrong_type"), (json!("x".repeat(65)), "too_long")] {
        let answer = sockets.tell("minji", &json!({ "action": "ping", "id": id }).to_string()).await;
        assert_eq!((refusal(&answer), &answer["re"]), (("invalid_fields", false), &Value::Null));
        assert_eq!(
            (&answer["d"]["errors"][0]["field"], &answer["d"]["errors"][0]["code"]),
            (&json!("id"), &json!(reason))
        );
    }
}

#[tokio::test]
async fn frame_limit_is_shared_by_a_persons_connections() {
    let mut sockets = Sockets::new().await;
    sockets.app.limits = limits_of(8, 1);
    sockets.stores.connect(MINJI, SessionId::from_bytes([1; 16]), "tablet").await;
    assert_eq!(sockets.ask("minji", "hello", &json!({ "v": 1 })).await["t"], "ready");
    assert_eq!(sockets.ask("minji", "sync", &json!({ "room": sockets.room, "after_rev": 0 })).await["t"], "sync");
    assert_eq!(sockets.ask("tablet", "ping", &json!({})).await["t"], "pong");

    assert_eq!(refusal(&sockets.ask("tablet", "ping", &json!({})).await), ("rate_limited", false));
    assert_eq!(sockets.ask("junho", "ping", &json!({})).await["t"], "pong");
}

#[tokio::test]
async fn bad_frames_are_refused_and_the_connection_stays() {
    let sockets = Sockets::new().await;

    for text in ["", "ping", "[]", r#"{"action":"ping","x":1}"#] {
        assert_eq!(refusal(&sockets.tell("minji", text).await), ("malformed_frame", false), "{text}");
    }
    let blank = json!({ "room": sockets.room, "client_id": "c", "content": " " });
    let answer = sockets.ask("minji", "send", &blank).await;
    assert_eq!((refusal(&answer), &answer["d"]["errors"][0]["field"]), (("invalid_fields", false), &json!("content")));
    assert_eq!(sockets.stores.connections(MINJI).await, ["minji"]);
}

#[tokio::test]
async fn unknown_connection_is_told_and_closed() {
    let sockets = Sockets::new().await;

    let answer = sockets.ask("nobody", "ping", &json!({})).await;

    assert_eq!(refusal(&answer), ("connection_unknown", true));
    let (connection, frame) = sockets.stores.pushes.next();
    assert_eq!((&*connection, &frame["d"]["code"]), ("nobody", &json!("connection_unknown")));
    assert_eq!(sockets.stores.pushes.next(), ("nobody".to_owned(), Value::Null));
}

#[tokio::test]
async fn connection_that_floods_waits_first_and_ends_then() {
    let mut sockets = Sockets::new().await;
    sockets.app.limits = limits_of(2, 1);

    let mut answers = Vec::new();
    loop {
        let answer = sockets.ask("minji", "ping", &json!({})).await;
        let is_over = answer["d"]["fatal"] == true;
        answers.push(answer);
        if is_over {
            break;
        }
    }

    assert!(answers[..2].iter().all(|answer| answer["t"] == "pong"));
    assert!(answers[2..].iter().all(|answer| refusal(answer).0 == "rate_limited"));
    assert!(answers[2]["d"]["retry_after_ms"].as_i64().unwrap() > 0);
    assert_eq!(sockets.stores.connections(MINJI).await, [""; 0]);
}

#[tokio::test]
async fn connections_that_flood_together_are_all_closed() {
    let mut sockets = Sockets::new().await;
    sockets.app.limits = limits_of(20, 240);
    let names: Vec<_> = (0..20).map(|number| format!("socket {number}")).collect();
    for name in &names {
        sockets.stores.connect(MINJI, SessionId::from_bytes([1; 16]), name).await;
    }
    let mut open: BTreeSet<_> = names.iter().collect();

    for _ in 0..60 {
        for name in open.clone() {
            if sockets.ask(name, "ping", &json!({})).await["d"]["fatal"] == true {
                open.remove(name);
            }
        }
    }

    assert!(open.is_empty(), "{open:?}");
}

#[tokio::test]
async fn unavailable_store_is_told() {
    let mut sockets = Sockets::new().await;
    sockets.app.messenger.mongo =
        Mongo::connect("mongodb://127.0.0.1:1/none?serverSelectionTimeoutMS=50").await.unwrap();

    let answer = sockets.ask("minji", "ping", &json!({})).await;

    assert_eq!(refusal(&answer), ("unavailable", false));
}

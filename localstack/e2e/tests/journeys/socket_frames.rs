//! Frames of one connection: errors, limits and answers.

use e2e::{journey, room_name};
use serde_json::{Value, json};

/// API Gateway's frames have 32 KB; pages of `sync` stay under 30.
const LARGEST_PAGE: usize = 30 * 1024;

#[test]
fn unknown_action_is_an_error_and_the_connection_stays() {
    journey(async |stack| {
        let socket = stack.register("minji").await.socket().await;

        let error = socket.ask("fly", json!({"to": "the moon"})).await;

        assert_eq!((&error["t"], &error["d"]["code"]), (&json!("error"), &json!("unknown_action")));
        assert_eq!(error["d"]["fatal"], false);
        assert_eq!(socket.ask("ping", json!({})).await["t"], "pong");
    });
}

#[test]
fn malformed_frame_is_an_error_and_the_connection_stays() {
    journey(async |stack| {
        let socket = stack.register("minji").await.socket().await;
        for text in [
            "hello",
            "",
            "null",
            "[]",
            "{}",
            r#"{"id":"1"}"#,
            r#"{"action":1}"#,
            r#"{"action":"ping","x":1}"#,
            r#"{"action":"ping","action":"ping"}"#,
            r#"{"action":"ping","id":"\ud800"}"#,
            r#"{"action":"ping"} {"action":"ping"}"#,
        ] {
            socket.send_text(text);
            let error = socket.frame().await;
            assert_eq!((&error["t"], &error["d"]["code"]), (&json!("error"), &json!("malformed_frame")), "{text:?}");
        }
        assert_eq!(socket.ask("ping", json!({})).await["t"], "pong");
    });
}

#[test]
fn an_id_that_is_no_short_string_is_refused() {
    journey(async |stack| {
        let socket = stack.register("minji").await.socket().await;
        for (id, reason) in [(json!(7), "wrong_type"), (json!("x".repeat(65)), "too_long")] {
            socket.send_text(&json!({"action": "ping", "id": id}).to_string());

            let error = socket.frame().await;

            assert_eq!((&error["t"], &error["d"]["code"]), (&json!("error"), &json!("invalid_fields")));
            assert_eq!((&error["d"]["errors"][0]["field"], &error["re"]), (&json!("id"), &Value::Null));
            assert_eq!(error["d"]["errors"][0]["code"], reason);
        }
    });
}

#[test]
fn a_bad_field_of_a_frame_is_named() {
    journey(async |stack| {
        let (minji, _, room) = stack.pair().await;
        let socket = minji.socket().await;
        let room = room_name(room);
        for (action, d, field, reason) in [
            ("send", json!({"room": room, "client_id": "1"}), "content", "required"),
            ("send", json!({"room": room, "client_id": "1", "content": "hi", "to": 1}), "$", "unknown_field"),
            ("send", json!({"room": 12, "client_id": "1", "content": "hi"}), "room", "wrong_type"),
            ("send", json!({"room": "dm:12", "client_id": "1", "content": "hi"}), "room", "wrong_type"),
            ("edit", json!({"id": "12", "content": "hi"}), "id", "wrong_type"),
            ("sync", json!({"room": room, "after_rev": 0, "limit": 0}), "limit", "out_of_range"),
            ("sync", json!({"room": room}), "after_rev", "required"),
            ("hello", json!({"v": "1"}), "v", "wrong_type"),
            ("hello", json!([1]), "$", "wrong_type"),
        ] {
            let error = socket.ask(action, d).await;
            assert_eq!(error["d"]["code"], "invalid_fields", "{error}");
            assert_eq!(error["d"]["errors"][0]["field"], field, "{error}");
            assert_eq!(error["d"]["errors"][0]["code"], reason, "{error}");
        }
    });
}

#[test]
fn a_frame_over_32_kilobytes_ends_the_connection() {
    journey(async |stack| {
        let minji = stack.register("minji").await;
        let socket = minji.socket().await;
        socket.send_text(&"x".repeat(32 * 1024));
        assert_eq!(socket.frame().await["d"]["code"], "malformed_frame");

        socket.send_text(&"x".repeat(32 * 1024 + 1));

        assert_eq!(socket.closed().await, Some(1009));
    });
}

#[test]
fn errors_speak_the_language_that_hello_asked_for() {
    journey(async |stack| {
        let socket = stack.register("minji").await.socket().await;
        let missing = json!({"room": "private:2000000000", "after_rev": 0});
        assert_eq!(socket.ask("sync", missing.clone()).await["d"]["message"], "The room was not found.");

        socket.ask("hello", json!({"v": 1, "lang": "ko"})).await;

        let error = socket.ask("sync", missing).await;
        assert_eq!(error["d"]["message"], "대화방을 찾을 수 없습니다.");
        assert_eq!(error["d"]["code"], "room_not_found");
    });
}

#[test]
fn another_version_of_the_protocol_is_refused() {
    journey(async |stack| {
        let socket = stack.register("minji").await.socket().await;

        let error = socket.ask("hello", json!({"v": 2})).await;

        assert_eq!((&error["t"], &error["d"]["code"]), (&json!("error"), &json!("unsupported_version")));
    });
}

#[test]
fn each_frame_of_a_connection_is_answered_under_its_id() {
    journey(async |stack| {
        let socket = stack.register("minji").await.socket().await;
        let mut ids = Vec::new();
        for _ in 0..8 {
            ids.push(socket.send("ping", &json!({})));
        }
        ids.reverse();
        for id in ids {
            let pong = json!({"t": "pong", "re": id, "d": {"gaps": [], "gone": [], "more": false}});
            assert_eq!(socket.answer(&id).await, pong);
        }
    });
}

#[test]
fn sync_pages_of_large_messages_fit_a_frame_and_reach_the_end() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let contents: Vec<String> = ["가", "나", "다", "라", "마"].map(|letter| letter.repeat(5_000)).into();
        for content in &contents {
            minji.say(room, content).await;
        }
        minji.say(room, "short").await;
        let socket = junho.socket().await;

        let (mut cursor, mut found, mut pages) = (json!(0), Vec::<Value>::new(), 0);
        loop {
            let page = socket.ask("sync", json!({"room": room_name(room), "after_rev": cursor, "limit": 100})).await;
            assert!(page.to_string().len() < LARGEST_PAGE, "{} bytes", page.to_string().len());
            found.extend(page["d"]["items"].as_array().unwrap().iter().map(|item| item["content"].clone()));
            assert!(page["d"]["cursor"].as_i64() > cursor.as_i64());
            cursor = page["d"]["cursor"].clone();
            pages += 1;
            if page["d"]["more"] == false {
                assert_eq!(cursor, page["d"]["head"]);
                break;
            }
        }

        assert!(pages > 1);
        assert_eq!((found.len(), &found[5]), (6, &json!("short")));
        assert_eq!(found[..5], contents);
        assert_eq!(junho.sync(room, 0).await["items"].as_array().unwrap().len(), 6);
    });
}

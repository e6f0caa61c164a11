//! Functions that are killed, or whose answer is lost, during a send.

use e2e::{Answer, Person, TestStack, journey_in, room_name};
use gateway::{Delay, Rules, Span};
use serde_json::{Value, json};
use stack::Options;
use std::time::Duration;
use tokio::time::sleep;

/// Moments of a send, in milliseconds after its start; a send takes some ten to thirty.
const MOMENTS: [u64; 10] = [0, 1, 2, 3, 5, 7, 10, 14, 20, 30];

/// API Gateway's message on a socket when a function was killed.
const KILLED: &str = "Internal server error";

#[test]
fn retrying_a_send_after_a_killed_function_leaves_one_message() {
    journey_in(Options::for_test(), async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let mut client_ids = Vec::new();
        for moment in MOMENTS {
            let client_id = format!("killed-after-{moment}");
            // Warm the environment, so that the function is killed during the send and not during its init.
            answered(&minji, &format!("/messages/{room}")).await;
            stack.faults().function("messages", killed_after(moment));
            let first = minji.say_as(room, &client_id, "survives").await;
            stack.faults().clear();

            let mut retried = minji.say_as(room, &client_id, "survives").await;
            // The signal may be late and hit the retry: a client retries until it knows.
            while retried.status == 500 {
                retried = minji.say_as(room, &client_id, "survives").await;
            }

            assert!(matches!(first.status, 500 | 201), "{}", first.text);
            assert!(matches!(retried.status, 200 | 201), "{}", retried.text);
            assert!(first.status == 500 || first.json()["id"] == retried.json()["id"]);
            client_ids.push(client_id);
        }
        assert_there_once(&junho, room, &client_ids).await;
    });
}

/// The answer of the function: a late signal may hit any later request.
async fn answered(reader: &Person, path: &str) -> Value {
    loop {
        let answer = reader.api.get(path).await;
        if answer.status != 500 {
            break answer.with(200);
        }
    }
}

#[test]
fn retrying_a_frame_resolves_a_killed_function() {
    journey_in(Options::for_test(), async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let socket = minji.socket().await;
        let mut client_ids = Vec::new();
        for moment in MOMENTS {
            let client_id = format!("killed-after-{moment}");
            let frame = json!({"room": room_name(room), "client_id": client_id, "content": "survives"});
            socket.ask("ping", json!({})).await;
            stack.faults().function("ws-send", killed_after(moment));
            let first = socket.ask("send", frame.clone()).await;
            stack.faults().clear();

            let mut retried = socket.ask("send", frame.clone()).await;
            while retried["message"] == KILLED {
                retried = socket.ask("send", frame.clone()).await;
            }

            assert!(first["t"] == "ack" || first["message"] == KILLED, "{first}");
            assert_eq!(retried["t"], "ack", "{retried}");
            client_ids.push(client_id);
        }
        assert_there_once(&junho, room, &client_ids).await;
    });
}

#[test]
fn retry_recovers_a_lost_answer() {
    journey_in(Options::for_test(), async |stack: &TestStack| {
        let (minji, junho, room) = stack.pair().await;
        let socket = junho.socket().await;
        stack.faults().function("messages", Rules { fail_answer: 1.0, ..Rules::default() });
        let lost: Answer = minji.say_as(room, "lost", "hello").await;
        stack.faults().clear();
        assert_eq!(lost.with(503), json!({"message": "Service Unavailable"}));

        let retried = minji.say_as(room, "lost", "hello").await.with(200);

        assert_eq!(socket.push().await["d"]["id"], retried["id"]);
        assert_there_once(&junho, room, &["lost".to_owned()]).await;
    });
}

#[test]
fn a_frame_that_is_delivered_twice_is_one_message() {
    journey_in(Options::for_test(), async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let socket = minji.socket().await;
        stack.faults().function("ws-send", Rules { duplicate: 1.0, ..Rules::default() });
        let frame = json!({"room": room_name(room), "client_id": "twice", "content": "hello"});
        let id = socket.send("send", &frame);

        let (one, other) = (socket.answer(&id).await, socket.answer(&id).await);

        stack.faults().clear();
        assert_eq!((&one["t"], &other["t"]), (&json!("ack"), &json!("ack")));
        assert_eq!((&one["d"]["id"], &one["d"]["seq"]), (&other["d"]["id"], &other["d"]["seq"]));
        assert_there_once(&junho, room, &["twice".to_owned()]).await;
    });
}

fn killed_after(moment: u64) -> Rules {
    Rules { kill: Delay::always(Span::millis(moment..=moment)), ..Rules::default() }
}

/// Each of these is listed once, by list and by sync.
async fn assert_there_once(reader: &Person, room: i64, client_ids: &[String]) {
    let list = answered(reader, &format!("/messages/{room}?after=0&limit=100")).await;
    let sync = loop {
        let page = answered(reader, &format!("/messages/sync?room_id={room}&after_rev=0&limit=100")).await;
        // What a killed writer reserved holds readers up for 5 s.
        if page["cursor"] == page["head"] {
            break page;
        }
        sleep(Duration::from_millis(50)).await;
    };
    for page in [list, sync] {
        let items = page["items"].as_array().cloned().unwrap_or_default();
        let mut found: Vec<_> = items.iter().filter_map(|item| item["client_id"].as_str()).collect();
        found.sort_unstable();
        let mut expected: Vec<_> = client_ids.iter().map(String::as_str).collect();
        expected.sort_unstable();
        assert_eq!(found, expected);
    }
}

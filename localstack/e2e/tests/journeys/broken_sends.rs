//! Functions that die, or whose answer is lost, in the middle of a send.

use e2e::{Answer, House, Person, journey_in, room_name};
use gateway::{Delay, Rules, Span};
use serde_json::json;
use stack::Options;

/// Moments of a send, in milliseconds after its start; a send takes some ten to thirty.
const MOMENTS: [u64; 10] = [0, 1, 2, 3, 5, 7, 10, 14, 20, 30];

/// What API Gateway says on a socket when a function died.
const KILLED: &str = "Internal server error";

#[test]
fn a_function_that_dies_in_the_middle_of_a_send_leaves_one_message_after_the_retry() {
    journey_in(Options::for_test(), async |house| {
        let (minji, junho, room) = house.pair().await;
        let mut client_ids = Vec::new();
        for moment in MOMENTS {
            let client_id = format!("killed-after-{moment}");
            // A warm environment, so that the moment is one of the send and not of the start.
            calm(&minji, room).await;
            house.faults().function("messages", killed_after(moment));
            let first = minji.say_as(room, &client_id, "survives").await;
            house.faults().clear();

            let mut retried = minji.say_as(room, &client_id, "survives").await;
            // The blow may be late and hit the retry: a client asks until it knows.
            while retried.status == 500 {
                retried = minji.say_as(room, &client_id, "survives").await;
            }

            assert!(matches!(first.status, 500 | 201), "{}", first.text);
            assert!(matches!(retried.status, 200 | 201), "{}", retried.text);
            assert!(first.status == 500 || first.json()["id"] == retried.json()["id"]);
            client_ids.push(client_id);
        }
        calm(&junho, room).await;
        assert_there_once(&junho, room, &client_ids).await;
    });
}

/// Asks until an answer comes: a blow may be so late that it hits whatever is asked next.
async fn calm(reader: &Person, room: i64) {
    while reader.api.get(&format!("/messages/{room}")).await.status == 500 {}
}

#[test]
fn a_function_that_dies_in_the_middle_of_a_frame_is_an_unknown_outcome_that_a_retry_resolves() {
    journey_in(Options::for_test(), async |house| {
        let (minji, junho, room) = house.pair().await;
        let mut socket = minji.socket().await;
        let mut client_ids = Vec::new();
        for moment in MOMENTS {
            let client_id = format!("killed-after-{moment}");
            let frame = json!({"room": room_name(room), "client_id": client_id, "content": "survives"});
            socket.ask("ping", json!({})).await;
            house.faults().function("ws-send", killed_after(moment));
            let first = socket.ask("send", frame.clone()).await;
            house.faults().clear();

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
fn an_answer_that_is_lost_is_had_by_asking_again() {
    journey_in(Options::for_test(), async |house: &House| {
        let (minji, junho, room) = house.pair().await;
        let mut socket = junho.socket().await;
        house.faults().function("messages", Rules { fail_answer: 1.0, ..Rules::default() });
        let lost: Answer = minji.say_as(room, "lost", "hello").await;
        house.faults().clear();
        assert_eq!(lost.with(503), json!({"message": "Service Unavailable"}));

        let retried = minji.say_as(room, "lost", "hello").await.with(200);

        assert_eq!(socket.push().await["d"]["id"], retried["id"]);
        assert_there_once(&junho, room, &["lost".to_owned()]).await;
    });
}

#[test]
fn a_frame_that_is_delivered_twice_is_one_message() {
    journey_in(Options::for_test(), async |house| {
        let (minji, junho, room) = house.pair().await;
        let mut socket = minji.socket().await;
        house.faults().function("ws-send", Rules { duplicate: 1.0, ..Rules::default() });
        let frame = json!({"room": room_name(room), "client_id": "twice", "content": "hello"});
        let id = socket.send("send", frame).await;

        let (one, other) = (socket.answer(&id).await, socket.answer(&id).await);

        house.faults().clear();
        assert_eq!((&one["t"], &other["t"]), (&json!("ack"), &json!("ack")));
        assert_eq!((&one["d"]["id"], &one["d"]["seq"]), (&other["d"]["id"], &other["d"]["seq"]));
        assert_there_once(&junho, room, &["twice".to_owned()]).await;
    });
}

fn killed_after(moment: u64) -> Rules {
    Rules { kill: Delay::always(Span::millis(moment..=moment)), ..Rules::default() }
}

/// By list and by sync, each of these is there once.
async fn assert_there_once(reader: &Person, room: i64, client_ids: &[String]) {
    let list = reader.list(room).await["items"].as_array().cloned().unwrap_or_default();
    for items in [list, reader.catch_up(room, 0).await.0] {
        let mut found: Vec<_> = items.iter().filter_map(|item| item["client_id"].as_str()).collect();
        found.sort_unstable();
        let mut expected: Vec<_> = client_ids.iter().map(String::as_str).collect();
        expected.sort_unstable();
        assert_eq!(found, expected);
    }
}

//! What clients send by themselves.

use crate::scene::{MINJI, Sockets, knows, refusal};
use domain::{Person, SessionId};
use serde_json::{Value, json};

#[tokio::test]
async fn ping_is_answered() {
    let sockets = Sockets::new().await;
    let pong = json!({ "t": "pong", "re": "7", "d": { "gaps": [], "gone": [], "more": false } });
    assert_eq!(sockets.tell("minji", r#"{"action":"ping","id":"7"}"#).await, pong);
}

#[tokio::test]
async fn ping_finds_the_last_frame_that_was_lost() {
    let sockets = Sockets::new().await;
    let room = sockets.room.to_string();
    sockets.stores.pushes.fail(&["junho"]);
    let lost = sockets.send("minji", "안녕").await;
    assert!(sockets.stores.pushes.frames("junho").is_empty());
    sockets.stores.pushes.fail(&[]);

    for (cursor, gaps) in [(json!(0), json!([room])), (lost["rev"].clone(), json!([]))] {
        let pong = sockets.ask("junho", "ping", &json!({ "cursors": { &room: cursor } })).await;
        assert_eq!((&pong["t"], &pong["d"]), (&json!("pong"), &json!({ "gaps": gaps, "gone": [], "more": false })));
    }
    let stranger = sockets.ask("stranger", "ping", &json!({ "cursors": { &room: 0 } })).await;
    assert_eq!((&stranger["d"]["gaps"], &stranger["d"]["gone"]), (&json!([]), &json!([room])));
}

#[tokio::test]
async fn frame_of_a_one_way_route_is_answered_only_if_it_has_an_id() {
    let sockets = Sockets::new().await;
    sockets.send("minji", "안녕").await;
    let room = &sockets.room;

    for (action, details, answer) in [
        ("read", json!({ "room": room, "seq": 1 }), "ack"),
        ("delivered", json!({ "room": room, "seq": 1 }), "ack"),
        ("typing", json!({ "room": room, "on": true }), "ack"),
        ("state", json!({ "active": true, "room": room }), "ack"),
        ("ping", json!({}), "pong"),
        ("read", json!({ "room": "private:99", "seq": 1 }), "error"),
        ("typing", json!({ "room": room }), "error"),
    ] {
        assert_eq!(sockets.say("junho", action, &details).await, Value::Null, "{action} {details}");
        assert_eq!(sockets.ask("junho", action, &details).await["t"], answer, "{action} {details}");
    }
}

#[tokio::test]
async fn ping_without_id_is_answered_only_with_gaps() {
    let sockets = Sockets::new().await;
    let room = sockets.room.to_string();
    let sent = sockets.send("minji", "안녕").await;
    sockets.stores.pushes.all();

    let found = sockets.say("junho", "ping", &json!({ "cursors": { &room: 0, "group:9": 0 } })).await;
    let nothing = sockets.say("junho", "ping", &json!({ "cursors": { &room: sent["rev"] }, "user_rev": 0 })).await;

    let gaps = json!({ "rooms": [room], "gone": ["group:9"], "more": false });
    assert_eq!((&found["t"], &found["re"], &found["d"]), (&json!("gaps"), &Value::Null, &gaps));
    assert_eq!(nothing, Value::Null);
}

#[tokio::test]
async fn ping_names_at_most_fifty_rooms() {
    let sockets = Sockets::new().await;
    let ping = |number: i32| {
        let cursors: serde_json::Map<_, _> = (1..=number).map(|n| (format!("group:{n}"), json!(0))).collect();
        json!({ "cursors": cursors })
    };

    assert_eq!(sockets.ask("minji", "ping", &ping(50)).await["d"]["gone"].as_array().unwrap().len(), 50);
    let refused = sockets.ask("minji", "ping", &ping(51)).await;

    assert_eq!(
        (refusal(&refused), &refused["d"]["errors"][0]["field"]),
        (("invalid_fields", false), &json!("cursors"))
    );
}

#[tokio::test]
async fn answer_to_a_connection_that_has_gone_forgets_it() {
    let sockets = Sockets::new().await;
    sockets.stores.connect(MINJI, SessionId::from_bytes([1; 16]), "gone").await;

    assert_eq!(sockets.tell("gone", r#"{"action":"ping","id":"1"}"#).await, Value::Null);

    assert_eq!(sockets.stores.connections(MINJI).await, ["minji"]);
}

#[tokio::test]
async fn ping_names_a_user_rev_that_is_ahead() {
    let sockets = Sockets::new().await;
    let person = Person { version: 7, ..knows(MINJI, Vec::new()) };
    sockets.stores.mongo().people().project(&person).await.unwrap();

    for (seen, ahead) in [(6, json!(7)), (7, Value::Null)] {
        let pong = sockets.ask("minji", "ping", &json!({ "user_rev": seen })).await;
        assert_eq!(pong["d"]["user_rev"], ahead, "{seen}");
    }
    assert_eq!(sockets.ask("junho", "ping", &json!({ "user_rev": 0 })).await["d"]["user_rev"], Value::Null);
}

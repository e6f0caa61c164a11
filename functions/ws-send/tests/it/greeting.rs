//! What a new connection is told.

use crate::scene::{JUNHO, MINJI, STRANGER, Sockets, knows, refusal};
use domain::{Person, PresenceVisibility, Privacy};
use messaging::Messenger;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use testkit::{NOON, RecordedQueue, limits_of};

#[tokio::test]
async fn hello_answers_who_is_connected_and_what_was_missed() {
    let sockets = Sockets::new().await;
    sockets.send("minji", "안녕").await;

    let ready = sockets.ask("junho", "hello", &json!({ "v": 1, "cursors": { sockets.room.to_string(): 0 } })).await;

    assert_eq!((&ready["t"], &ready["d"]["user"]), (&json!("ready"), &json!(JUNHO)));
    assert_eq!(ready["d"]["gaps"], json!([sockets.room]));
    assert_eq!((&ready["d"]["unread"], &ready["d"]["badge"]), (&json!({ sockets.room.to_string(): 1 }), &json!(1)));
    assert!(ready["d"]["reconnect_at"].as_i64().unwrap() > NOON.seconds());
}

#[tokio::test]
async fn hello_and_state_name_the_friends_who_are_online() {
    let sockets = Sockets::new().await;
    let mongo = sockets.stores.mongo();
    for person in [knows(MINJI, vec![JUNHO]), knows(JUNHO, vec![MINJI])] {
        mongo.people().project(&person).await.unwrap();
    }
    for user in [JUNHO, STRANGER] {
        mongo.presence().greet(user, NOON).await.unwrap();
        let before = mongo.presence().list(&[user]).await.unwrap()[0];
        assert_eq!(mongo.presence().announce(&[before], NOON).await.0, [before.user]);
    }
    let online = json!({ "online": [JUNHO], "more": false });

    assert_eq!(sockets.ask("minji", "hello", &json!({ "v": 1 })).await["d"]["presence"], online);
    assert_eq!(sockets.ask("minji", "state", &json!({ "active": true })).await["d"]["presence"], online);
    assert_eq!(sockets.ask("stranger", "hello", &json!({ "v": 1 })).await["d"]["presence"]["online"], json!([]));
}

#[tokio::test]
async fn hello_of_a_person_not_shown_as_online_is_queued() {
    let mut sockets = Sockets::new().await;
    let queue = Arc::new(RecordedQueue::default());
    let Messenger { announcer, .. } = sockets.app.messenger.clone();
    sockets.app.messenger.announcer = announcer.with_presence(Some(queue.clone()));
    let mongo = sockets.stores.mongo();
    for user in [MINJI, JUNHO] {
        mongo.people().project(&knows(user, Vec::new())).await.unwrap();
    }

    sockets.ask("minji", "hello", &json!({ "v": 1 })).await;
    let jobs = queue.all();
    assert_eq!((jobs.len(), jobs[0].delay), (1, Duration::from_secs(1)));
    let body: Value = serde_json::from_str(&jobs[0].body).unwrap();
    assert_eq!(body["users"], json!([MINJI]));
    let before = mongo.presence().list(&[MINJI]).await.unwrap()[0];
    assert_eq!(mongo.presence().announce(&[before], NOON).await.0, [before.user]);

    sockets.ask("minji", "hello", &json!({ "v": 1 })).await;
    assert_eq!(queue.sends(), 1, "a reconnection queues nobody");
    queue.go_away();
    assert_eq!(sockets.ask("junho", "hello", &json!({ "v": 1 })).await["t"], "ready");
    assert_eq!(mongo.presence().list_due(NOON, 10).await.unwrap(), [JUNHO], "the sweep makes up for it");
}

#[tokio::test]
async fn hello_of_who_hides_queues_nobody() {
    let mut sockets = Sockets::new().await;
    let queue = Arc::new(RecordedQueue::default());
    let Messenger { announcer, .. } = sockets.app.messenger.clone();
    sockets.app.messenger.announcer = announcer.with_presence(Some(queue.clone()));
    let privacy = Privacy { presence_visibility: PresenceVisibility::Nobody, read_receipts: true };
    sockets.stores.mongo().people().project(&Person { privacy, ..knows(MINJI, vec![JUNHO]) }).await.unwrap();

    assert_eq!(sockets.ask("minji", "hello", &json!({ "v": 1 })).await["t"], "ready");

    assert_eq!(queue.sends(), 0);
}

#[tokio::test]
async fn hello_of_another_version_is_refused() {
    let sockets = Sockets::new().await;
    let answer = sockets.ask("minji", "hello", &json!({ "v": 2 })).await;
    assert_eq!(refusal(&answer), ("unsupported_version", false));
}

#[tokio::test]
async fn refusals_speak_the_language_of_hello() {
    let sockets = Sockets::new().await;
    sockets.ask("minji", "hello", &json!({ "v": 1, "lang": "ko" })).await;

    let answer = sockets.ask("minji", "fly", &json!({})).await;

    assert_eq!(answer["d"]["message"], "존재하지 않는 동작입니다.");
}

#[tokio::test]
async fn state_that_is_asked_for_costs_as_much_as_hello() {
    let mut sockets = Sockets::new().await;
    sockets.app.limits = limits_of(6, 1);
    let state = json!({ "active": true });

    assert_eq!(sockets.ask("minji", "state", &state).await["t"], "ack");
    assert_eq!(sockets.say("minji", "state", &state).await, Value::Null, "nobody asked");
    assert_eq!(refusal(&sockets.ask("minji", "state", &state).await), ("rate_limited", false));
    assert_eq!(refusal(&sockets.ask("minji", "ping", &json!({})).await), ("rate_limited", false));
}

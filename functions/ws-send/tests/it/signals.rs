//! Who is there, types, or has received.

use crate::scene::{JUNHO, MINJI, Sockets};
use domain::SessionId;
use mongo::{ACTIVE_FOR, Connection};
use serde_json::{Value, json};
use testkit::NOON;

#[tokio::test]
async fn frames_report_activity_and_the_open_room() {
    let long_ago = NOON.minus(ACTIVE_FOR);
    let sockets = Sockets::new().await;
    let room = json!(sockets.room);
    let sent = sockets.send("minji", "안녕").await;
    let (acted, viewing) = (NOON.plus(ACTIVE_FOR), Some(sockets.room));

    for (action, details, active_until, viewing) in [
        ("sync", json!({ "room": room, "after_rev": 0 }), NOON, None),
        ("ping", json!({ "cursors": { sockets.room.to_string(): 0 } }), NOON, None),
        ("delivered", json!({ "room": room, "seq": 1 }), NOON, None),
        ("hello", json!({ "v": 1, "active": false }), NOON, None),
        ("hello", json!({ "v": 1 }), acted, None),
        ("typing", json!({ "room": room, "on": true }), acted, None),
        ("react", json!({ "id": sent["id"], "emoji": "👍" }), acted, None),
        ("edit", json!({ "id": sent["id"], "content": "x" }), acted, None),
        ("delete", json!({ "id": sent["id"] }), acted, None),
        ("send", json!({ "room": room, "client_id": "c", "content": "x" }), acted, viewing),
        ("read", json!({ "room": room, "seq": 1 }), NOON, None),
        ("state", json!({ "active": true, "room": room }), acted, viewing),
        ("state", json!({ "active": true }), acted, None),
        ("state", json!({ "active": false, "room": room }), long_ago, viewing),
    ] {
        let connections = sockets.stores.mongo().connections();
        let fresh = connections.list_of_people(&[JUNHO], NOON).await.unwrap().remove(0);
        connections.insert(&Connection { active_until: NOON, viewing: None, ..fresh }).await.unwrap();
        sockets.say("junho", action, &details).await;
        let row = sockets.row_once(JUNHO, |row| (row.active_until, row.viewing) == (active_until, viewing)).await;
        assert_eq!((row.active_until, row.viewing), (active_until, viewing), "{action} {details}");
    }
}

#[tokio::test]
async fn read_that_comes_after_the_focus_was_lost_revives_nobody() {
    let sockets = Sockets::new().await;
    let read = json!({ "room": sockets.room, "seq": 1 });
    sockets.send("minji", "안녕").await;
    sockets.say("junho", "read", &read).await;
    let row = sockets.row_once(JUNHO, |row| row.viewing.is_some()).await;
    assert_eq!((row.active_until, row.viewing), (NOON.plus(ACTIVE_FOR), Some(sockets.room)), "they are there");

    sockets.say("junho", "state", &json!({ "active": false })).await;
    sockets.say("junho", "read", &read).await;

    let row = sockets.row_once(JUNHO, |row| row.viewing.is_none()).await;
    assert_eq!((row.is_active(NOON), row.viewing), (false, None));
}

#[tokio::test]
async fn typing_is_told_to_the_active_peer() {
    let sockets = Sockets::new().await;
    let typing = json!({ "room": sockets.room, "on": true });
    sockets.stores.connect(MINJI, SessionId::from_bytes([1; 16]), "tablet").await;

    assert_eq!(sockets.say("minji", "typing", &typing).await, Value::Null);
    sockets.say("minji", "typing", &typing).await;
    sockets.say("minji", "typing", &json!({ "room": sockets.room, "on": false })).await;

    let told = [(); 2].map(|()| sockets.stores.pushes.next());
    for ((connection, frame), on) in told.iter().zip([true, false]) {
        assert_eq!((&**connection, &frame["t"], &frame["room"]), ("junho", &json!("typing"), &json!(sockets.room)));
        assert_eq!(frame["d"], json!({ "user_id": MINJI, "on": on }));
    }
    assert!(sockets.stores.pushes.all().is_empty());

    sockets.say("junho", "state", &json!({ "active": false })).await;
    sockets.row_once(JUNHO, |row| !row.is_active(NOON)).await;
    sockets.say("tablet", "typing", &typing).await;
    assert!(sockets.stores.pushes.all().is_empty(), "nobody sees a tab in the background");
}

#[tokio::test]
async fn typing_of_a_stranger_or_across_a_block_is_silence() {
    let sockets = Sockets::new().await;
    let typing = json!({ "room": sockets.room, "on": true });

    assert_eq!(sockets.ask("stranger", "typing", &typing).await["t"], "ack");
    sockets.stores.project_block([MINJI, JUNHO]).await;
    for connection in ["minji", "junho"] {
        assert_eq!(sockets.ask(connection, "typing", &typing).await["t"], "ack");
    }

    assert!(sockets.stores.pushes.all().is_empty());
}

#[tokio::test]
async fn typing_that_is_switched_off_is_told_to_nobody() {
    let mut sockets = Sockets::new().await;
    sockets.app.typing = false;

    assert_eq!(sockets.ask("junho", "hello", &json!({ "v": 1 })).await["d"]["typing"], false);
    assert_eq!(sockets.ask("minji", "typing", &json!({ "room": sockets.room, "on": true })).await["t"], "ack");

    assert!(sockets.stores.pushes.all().is_empty());
}

#[tokio::test]
async fn arrival_is_told_to_the_author() {
    let sockets = Sockets::new().await;
    sockets.send("minji", "안녕").await;
    sockets.stores.pushes.all();

    sockets.say("junho", "delivered", &json!({ "room": sockets.room, "seq": 1 })).await;

    let (connection, frame) = sockets.stores.pushes.next();
    assert_eq!((&*connection, &frame["t"]), ("minji", &json!("receipt.delivered")));
    assert_eq!(frame["d"], json!({ "user_id": JUNHO, "delivered_seq": 1 }));
    assert!(sockets.stores.pushes.all().is_empty());
}

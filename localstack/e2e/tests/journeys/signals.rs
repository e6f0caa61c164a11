//! What people do at the moment: they are there, type, receive and read. And the routes that answer only whoever asks.

use e2e::{Person, journey, room_name};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::sleep;

#[test]
fn typing_reaches_the_active_peer() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let (minjis, junhos, tab) = (minji.socket().await, junho.socket().await, junho.login().await.socket().await);
        let stranger = stack.register("stranger").await.socket().await;
        assert_eq!(tab.ask("state", json!({"active": false})).await["t"], "ack");
        // Until a majority knows it.
        sleep(Duration::from_secs(1)).await;
        let typing = json!({"room": room_name(room), "on": true});
        let told = json!({"t": "typing", "room": room_name(room), "d": {"user_id": minji.id, "on": true}});

        let mut heard = Vec::new();
        // What does not arrive in its moment is not told later: apps say it again.
        for _ in 0..6 {
            // Who is not in the room tells nobody.
            for socket in [&stranger, &minjis] {
                assert_eq!(socket.ask("typing", typing.clone()).await["t"], "ack");
            }
            sleep(Duration::from_millis(3100)).await;
            heard = junhos.pushes().await;
            if !heard.is_empty() {
                break;
            }
        }

        assert_eq!(heard, [told]);
        for socket in [minjis, tab, stranger] {
            assert_eq!(socket.pushes().await, Vec::<Value>::new());
        }
        assert_eq!(junho.list(room).await["items"], json!([]));
    });
}

#[test]
fn receipts_follow_a_message_on_its_way() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let (minjis, junhos) = (minji.socket().await, junho.socket().await);
        let sent = minji.say(room, "hi").await;
        assert_eq!(junhos.push().await["t"], "message.created");

        junhos.send_text(&json!({"action": "delivered", "d": {"room": room_name(room), "seq": 1}}).to_string());
        // Whether it was told in its moment or not.
        let received = json!({"user_id": junho.id, "read_seq": 0, "delivered_seq": 1});
        while !receipts_of(&minji, room).await.contains(&received) {
            sleep(Duration::from_millis(20)).await;
        }

        let answer = json!({"room": room_name(room), "client_id": "answer", "content": "hello", "read_seq": 1});
        assert_eq!(junhos.ask("send", answer).await["t"], "ack");
        let created = minjis.push_where(|frame| frame["d"]["seq"] == 2).await;
        assert_eq!((&created["t"], &created["d"]["read_seq"]), (&json!("message.created"), &json!(1)));

        let path = format!("/messages/{}/receipts", sent["id"].as_str().unwrap());
        let read = json!({"read_count": 1, "member_count": 1, "read_by": [junho.id], "not_read_by": []});
        // The cursor is written beside the delivery.
        while minji.api.get(&path).await.with(200) != read {
            sleep(Duration::from_millis(20)).await;
        }
        let cursor = json!({"user_id": junho.id, "read_seq": 1, "delivered_seq": 1});
        assert!(receipts_of(&minji, room).await.contains(&cursor));
        let more = minjis.pushes().await;
        assert!(!more.iter().any(|frame| frame["t"] == "receipt.read"), "a receipt beside the answer: {more:?}");
    });
}

async fn receipts_of(person: &Person, room: i64) -> Vec<Value> {
    let receipts = person.api.get(&format!("/messages/receipts?room_id={room}")).await.with(200);
    receipts["items"].as_array().cloned().unwrap_or_default()
}

#[test]
fn frames_of_one_way_routes_are_answered_only_if_they_ask() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let name = room_name(room);
        let rev = minji.say(room, "hi").await["rev"].clone();
        let socket = junho.socket().await;
        let frames = [
            ("read", json!({"room": name, "seq": 1})),
            ("delivered", json!({"room": name, "seq": 1})),
            ("typing", json!({"room": name, "on": true})),
            ("state", json!({"active": true, "room": name})),
            ("ping", json!({"cursors": {&name: rev}})),
            // A refusal that leaves the connection open is no news to who did not ask.
            ("read", json!({"room": "private:0", "seq": 1})),
        ];

        for (action, d) in &frames {
            socket.send_text(&json!({"action": action, "d": d}).to_string());
        }
        for (action, d) in frames {
            assert!(["ack", "pong", "error"].map(Value::from).contains(&socket.ask(action, d).await["t"]), "{action}");
        }
        assert_eq!(socket.pushes().await, Vec::<Value>::new());

        socket.send_text(&json!({"action": "ping", "d": {"cursors": {&name: 0}}}).to_string());
        assert_eq!(socket.push().await, json!({"t": "gaps", "d": {"rooms": [name], "gone": [], "more": false}}));
    });
}

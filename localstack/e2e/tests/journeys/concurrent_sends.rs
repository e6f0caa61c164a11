//! Concurrent sends.

use e2e::{Person, journey, room_name};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[test]
fn thirty_two_concurrent_sends_are_stored_once_in_one_order() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;

        let (minjis, junhos) = tokio::join!(sixteen(&minji, room, "minji"), sixteen(&junho, room, "junho"));

        let acknowledged: Vec<Value> = minjis.into_iter().chain(junhos).collect();
        assert_eq!(acknowledged.len(), 32);
        let list = minji.list(room).await;
        let listed = list["items"].as_array().unwrap();
        // Their cursors may differ: a release is known to a majority a moment after its answer.
        assert_eq!(list["items"], junho.list(room).await["items"]);
        let seqs: Vec<_> = listed.iter().map(|item| item["seq"].as_i64().unwrap()).collect();
        assert!(seqs.is_sorted_by(|one, next| one < next), "{seqs:?}");
        let contents: BTreeSet<_> = listed.iter().map(|item| item["content"].as_str().unwrap()).collect();
        assert_eq!((listed.len(), contents.len()), (32, 32));
        for message in &acknowledged {
            let same = |item: &&Value| item["id"] == message["id"] && item["seq"] == message["seq"];
            assert_eq!(listed.iter().filter(same).count(), 1, "{message}");
        }

        let (changes, _) = junho.catch_up(room, 0).await;
        let revs: Vec<_> = changes.iter().map(|item| item["rev"].as_i64().unwrap()).collect();
        assert!(revs.len() == 32 && revs.is_sorted_by(|one, next| one < next), "{revs:?}");
    });
}

/// Eight sends over HTTP and eight on one socket, all concurrent.
async fn sixteen(person: &Person, room: i64, name: &str) -> Vec<Value> {
    let socket = person.socket().await;
    let over_http = join_all((0..8).map(async |number| person.say(room, &format!("{name} {number}")).await));
    let over_socket = async {
        let mut ids = Vec::new();
        for number in 8..16 {
            let text = format!("{name} {number}");
            let frame = json!({"room": room_name(room), "client_id": text.replace(' ', "-"), "content": text});
            ids.push(socket.send("send", &frame));
        }
        let mut acks = Vec::new();
        for id in ids {
            let ack = socket.answer(&id).await;
            assert_eq!(ack["t"], "ack", "{ack}");
            acks.push(ack["d"]["message"].clone());
        }
        acks
    };
    let (mut messages, acks) = tokio::join!(over_http, over_socket);
    messages.extend(acks);
    messages
}

#[test]
fn concurrent_openings_of_a_room_open_one_room() {
    journey(async |stack| {
        let (minji, junho) = tokio::join!(stack.register("minji"), stack.register("junho"));

        let rooms = join_all((0..24).map(async |number| {
            if number % 2 == 0 { minji.room_with(&junho).await } else { junho.room_with(&minji).await }
        }))
        .await;

        assert_eq!(rooms.iter().collect::<BTreeSet<_>>().len(), 1, "{rooms:?}");
    });
}

#[test]
fn concurrent_edits_leave_the_one_with_the_highest_rev() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let sent = minji.say(room, "0").await;
        let url = format!("/messages/{}", sent["id"].as_str().unwrap());

        let edits = join_all(
            (1..=8).map(async |number| minji.api.put(&url, &json!({"content": number.to_string()})).await.with(200)),
        )
        .await;

        let last = edits.iter().max_by_key(|edit| edit["rev"].as_i64()).unwrap();
        assert_eq!(junho.list(room).await["items"], json!([last]));
        assert_eq!(junho.catch_up(room, sent["rev"].as_i64().unwrap()).await.0, std::slice::from_ref(last));
    });
}

//! One `client_id` is one message.

use crate::delivery::pushed;
use e2e::{Person, Socket, journey, room_name};
use futures_util::future::join_all;
use serde_json::{Value, json};

#[test]
fn twenty_concurrent_sends_of_one_client_id_are_one_message() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let sockets = join_all((0..4).map(|_| minji.socket())).await;

        let over_http = join_all((0..10).map(|_| over_http(&minji, room)));
        let over_sockets = join_all(sockets.iter().map(|socket| over_socket(socket, room)));
        let (over_http, over_sockets) = tokio::join!(over_http, over_sockets);

        let answers: Vec<_> = over_http.into_iter().chain(over_sockets.into_iter().flatten()).collect();
        assert_eq!(answers.len(), 22);
        let list = junho.list(room).await;
        let [row] = &list["items"].as_array().unwrap()[..] else { unreachable!("more than one row: {list}") };
        for (message, _) in &answers {
            assert_eq!((&message["id"], &message["seq"]), (&row["id"], &row["seq"]));
        }
        assert_eq!(answers.iter().filter(|(_, is_new)| *is_new).count(), 1);
    });
}

async fn over_http(person: &Person, room: i64) -> (Value, bool) {
    let answer = person.say_as(room, "the-one", "한 번만").await;
    assert!(matches!(answer.status, 200 | 201), "{}", answer.text);
    (answer.json(), answer.status == 201)
}

/// Three concurrent frames on one connection.
async fn over_socket(socket: &Socket, room: i64) -> [(Value, bool); 3] {
    let d = json!({"room": room_name(room), "client_id": "the-one", "content": "한 번만"});
    let ids = [(); 3].map(|()| socket.send("send", &d));
    let mut acks = Vec::new();
    for id in ids {
        let ack = socket.answer(&id).await;
        assert_eq!(ack["t"], "ack", "{ack}");
        acks.push((ack["d"].clone(), ack["d"]["dup"] == false));
    }
    acks.try_into().unwrap_or_else(|_| unreachable!("three frames, three answers"))
}

#[test]
fn retry_gets_the_original_over_http_and_socket() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let (minjis, junhos) = (minji.socket().await, junho.socket().await);
        let original = minji.say_as(room, "again", "hello").await.with(201);
        pushed(stack, &original).await;

        let retried = minji.say_as(room, "again", "hello").await.with(200);
        let frame = json!({"room": room_name(room), "client_id": "again", "content": "hello"});
        let ack = minjis.ask("send", frame).await;

        assert_eq!(retried, original);
        assert_eq!((&ack["d"]["message"], &ack["d"]["dup"]), (&original, &json!(true)));
        assert_eq!(junhos.pushes().await.len(), 1);
    });
}

#[test]
fn a_client_id_with_another_message_is_refused() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let socket = minji.socket().await;
        let original = minji.say_as(room, "mine", "hello").await.with(201);

        let reused = minji.say_as(room, "mine", "goodbye").await;
        let frame = json!({"room": room_name(room), "client_id": "mine", "content": "goodbye"});
        let error = socket.ask("send", frame).await;

        assert_eq!(reused.refusal(), (409, "client_id_reused".to_owned()));
        assert_eq!((&error["t"], &error["d"]["code"]), (&json!("error"), &json!("client_id_reused")));
        assert_eq!(junho.list(room).await["items"], json!([original]));
        // A `client_id` belongs to its author: another person may use the same.
        junho.say_as(room, "mine", "goodbye").await.with(201);
    });
}

#[test]
fn retry_after_an_edit_is_still_a_retry() {
    journey(async |stack| {
        let (minji, _, room) = stack.pair().await;
        let original = minji.say_as(room, "edited", "before").await.with(201);
        let url = format!("/messages/{}", original["id"].as_str().unwrap());
        let edited = minji.api.put(&url, &json!({"content": "after"})).await.with(200);
        pushed(stack, &edited).await;

        assert_eq!(minji.say_as(room, "edited", "before").await.with(200), edited);
        assert_eq!(minji.say_as(room, "edited", "after").await.refusal(), (409, "client_id_reused".to_owned()));
    });
}

#[test]
fn a_message_without_a_client_id_gets_one() {
    journey(async |stack| {
        let (minji, _, room) = stack.pair().await;

        let (one, other) = (minji.say(room, "same").await, minji.say(room, "same").await);

        assert_ne!(one["id"], other["id"]);
        assert!(
            one["client_id"].as_str().is_some_and(|name| !name.is_empty()) && one["client_id"] != other["client_id"]
        );
    });
}

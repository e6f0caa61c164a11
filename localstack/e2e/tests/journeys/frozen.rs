//! Environments are frozen between invocations, and their connections die meanwhile.

use crate::proxied_stack::recovered;
use e2e::{Socket, journey_in, room_name};
use gateway::{Delay, Rules, Span};
use serde_json::{Value, json};
use stack::Options;

#[test]
fn connections_that_died_in_the_freeze_cost_retries_and_no_message() {
    journey_in(Options::for_test().without_limits(), async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let socket = minji.socket().await;
        stack.faults().everywhere(Rules { cut_frozen: Delay::always(Span::default()), ..Rules::default() });

        let mut texts = Vec::new();
        for round in 0..6 {
            let [by_http, by_socket] = ["HTTP", "socket"].map(|way| format!("{round}-by-{way}"));
            let sent = recovered(async || minji.say_as(room, &by_http, &by_http).await).await;
            assert!(matches!(sent.status, 200 | 201), "{}", sent.text);
            let frame = json!({"room": room_name(room), "client_id": by_socket, "content": by_socket});
            acknowledged(&socket, &frame).await;
            for path in ["/users/me", "/friends", "/chat-rooms", "/messages/unread"] {
                recovered(async || junho.api.get(path).await).await.with(200);
            }
            texts.extend([by_http, by_socket]);
        }
        let cut = stack.faults().connections_cut();
        assert!(cut > texts.len(), "{cut}");
        stack.faults().clear();

        // What was cut last may still cost a retry.
        recovered(async || junho.api.get("/messages/unread").await).await.with(200);
        let (messages, _) = junho.catch_up(room, 0).await;
        let received: Vec<&str> = messages.iter().filter_map(|message| message["content"].as_str()).collect();
        assert_eq!(received, texts);
    });
}

/// Repeats a send as long as the answer asks for it.
async fn acknowledged(socket: &Socket, frame: &Value) {
    for _ in 0..10 {
        let answer = socket.ask("send", frame.clone()).await;
        if answer["t"] == "ack" {
            return;
        }
        assert_eq!(answer["d"]["code"], "unavailable", "{answer}");
    }
    unreachable!("ten sends in a row found no connection")
}

//! Rooms with more connections than one function pushes to.

use e2e::{Person, Socket, TestStack, group_message, group_name, journey_in};
use serde_json::{Value, json};
use stack::Options;
use std::collections::BTreeSet;

/// Two connections count as many.
fn many_are_two() -> Options {
    let mut options = Options::for_test().without_limits();
    options.environment.insert("INLINE_CONNECTIONS".to_owned(), "1".to_owned());
    options
}

/// A public group and who is in it, the owner first.
async fn gather(stack: &TestStack, names: &[&str]) -> (Vec<Person>, i64) {
    let mut people = Vec::new();
    for name in names {
        people.push(stack.register(name).await);
    }
    let group = people[0].make_group(&json!({"name": "등산 모임", "is_private": false})).await;
    for other in &people[1..] {
        other.api.post(&format!("/group-rooms/{group}/join"), &Value::Null).await.with(200);
    }
    (people, group)
}

/// The texts of new messages until so many have come, alone or packed.
async fn texts(socket: &Socket, number: usize) -> BTreeSet<String> {
    let mut texts = BTreeSet::new();
    while texts.len() < number {
        let pushed = socket.push_where(|frame| frame["t"] == "message.created" || frame["t"] == "batch").await;
        let frames =
            if pushed["t"] == "batch" { pushed["d"].as_array().cloned().unwrap_or_default() } else { vec![pushed] };
        let new = frames.iter().filter(|frame| frame["t"] == "message.created");
        texts.extend(
            new.map(|frame| frame["d"]["content"].as_str().unwrap_or_default().to_owned())
                .filter(|text| !text.is_empty()),
        );
    }
    texts
}

#[test]
fn message_reaches_every_connection_of_a_large_room() {
    journey_in(many_are_two(), async |stack| {
        let (people, group) = gather(stack, &["minji", "junho", "suji"]).await;
        let sockets = [people[0].socket().await, people[1].socket().await, people[2].socket().await];
        let kicked = people[2].id;
        people[0].api.delete(&format!("/group-rooms/{group}/members/{kicked}")).await.with(204);

        let sent = sockets[0]
            .ask("send", json!({"room": group_name(group), "client_id": "1", "content": "토요일에 갈까?"}))
            .await;

        assert_eq!(sent["t"], "ack", "{sent}");
        assert_eq!(texts(&sockets[1], 1).await, BTreeSet::from(["토요일에 갈까?".to_owned()]));
        let told = sockets[2].push_where(|frame| frame["t"] == "room.removed").await;
        assert_eq!(told["d"]["reason"], "kicked");
        let heard = sockets[2].pushes().await;
        assert!(!heard.iter().any(|frame| frame.to_string().contains("토요일에")), "{heard:?}");
    });
}

#[test]
fn all_messages_of_a_busy_large_room_arrive() {
    journey_in(many_are_two(), async |stack| {
        let (people, group) = gather(stack, &["minji", "junho", "suji"]).await;
        let sockets = [people[1].socket().await, people[2].socket().await];

        let all: BTreeSet<_> = (0..30).map(|number| format!("number {number}")).collect();
        for text in &all {
            people[0].api.post("/messages", &group_message(group, text)).await.with(201);
        }

        for socket in &sockets {
            assert_eq!(texts(socket, all.len()).await, all);
        }
    });
}

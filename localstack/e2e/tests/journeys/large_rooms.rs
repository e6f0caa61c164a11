//! Rooms with more connections than one function pushes to.

use e2e::{Person, Socket, TestStack, group_message, group_name, journey_in};
use futures_util::future::join_all;
use gateway::{Delay, QueueRules, Span};
use serde_json::{Value, json};
use stack::Options;
use std::{collections::BTreeSet, time::Duration};

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

/// The texts of new messages until so many have come.
async fn texts(socket: &Socket, number: usize) -> BTreeSet<String> {
    let mut texts = BTreeSet::new();
    while texts.len() < number {
        let frame = socket.push_where(|frame| frame["t"] == "message.created").await;
        texts.extend(frame["d"]["content"].as_str().filter(|text| !text.is_empty()).map(str::to_owned));
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
fn messages_that_wait_together_come_in_one_frame() {
    journey_in(many_are_two(), async |stack| {
        let (people, group) = gather(stack, &["minji", "junho", "suji"]).await;
        let sockets = [people[1].socket().await, people[2].socket().await];
        let wait = Delay::always(Span::exactly(Duration::from_secs(2)));
        stack.faults().queues(QueueRules { delay: wait, ..QueueRules::default() });

        // A busy machine may take the jobs one by one, or drop them as late.
        let (mut heard, mut packed) = (BTreeSet::new(), 0);
        for round in 0..10 {
            let sent: Vec<_> = (0..8).map(|number| format!("{round}, number {number}")).collect();
            let post = async |text: &String| {
                people[0].api.post("/messages", &group_message(group, text)).await.with(201);
            };
            join_all(sent.iter().map(post)).await;
            tokio::time::sleep(Duration::from_secs(3)).await;
            for socket in &sockets {
                let pushes = socket.pushes().await;
                heard.extend(pushes.iter().filter_map(|frame| frame["d"]["content"].as_str().map(str::to_owned)));
                packed += socket.packed();
            }
            if packed > 0 {
                assert!(sent.iter().any(|text| heard.contains(text)), "{heard:?}");
                break;
            }
        }
        assert!(packed > 0, "no frame was packed");
    });
}

#[test]
fn lost_double_and_reordered_jobs_lose_nothing_for_good() {
    journey_in(many_are_two(), async |stack| {
        let (people, group) = gather(stack, &["minji", "junho", "suji"]).await;
        let sockets = [people[1].socket().await, people[2].socket().await];
        stack.faults().queues(QueueRules { drop: 0.2, duplicate: 0.3, reorder: 0.3, ..QueueRules::default() });
        let all: BTreeSet<_> = (0..8).map(|number| format!("number {number}")).collect();
        for text in &all {
            people[0].api.post("/messages", &group_message(group, text)).await.with(201);
        }
        stack.faults().clear();
        people[0].api.post("/messages", &group_message(group, "last")).await.with(201);

        for socket in &sockets {
            // The last frame shows what is missing.
            socket.push_where(|frame| frame["d"]["content"] == "last").await;
            let page = socket.ask("sync", json!({"room": group_name(group), "after_rev": 0, "limit": 100})).await;
            let items = page["d"]["items"].as_array().cloned().unwrap_or_default();
            let there: BTreeSet<_> = items.iter().filter_map(|item| item["content"].as_str()).collect();
            assert!(all.iter().all(|text| there.contains(&**text)), "{page}");
        }
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

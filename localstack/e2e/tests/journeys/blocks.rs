//! Blocks.

use crate::{
    keep_sending::{Sent, keep_sending},
    scene::deactivate,
};
use e2e::{Person, journey};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::time::Instant;

#[test]
fn blocker_looks_like_an_unknown_person_to_the_blocked() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        minji.say_as(room, "before", "hello").await.with(201);
        let before = junho.say_as(room, "before", "hi").await.with(201);
        let request = minji.befriend(&junho).await;
        junho.api.call("PUT", &format!("/friends/{request}/accept"), None).await.with(200);
        let history = junho.list(room).await;

        minji.block(&junho).await;

        assert_eq!(junho.api.get(&format!("/users/{}", minji.id)).await.refusal(), no_person());
        let search = format!("/users/search?q={}", minji.account["username"].as_str().unwrap());
        assert_eq!(junho.api.get(&search).await.with(200)["items"], json!([]));
        for (path, field) in [("/friends/request", "user_id"), ("/chat-rooms", "participant_id")] {
            assert_eq!(junho.api.post(path, &json!({field: minji.id})).await.refusal(), no_person(), "{path}");
        }
        for path in ["/friends", "/friends/requests", "/blocks"] {
            assert_eq!(junho.api.get(path).await.with(200)["items"], json!([]), "{path}");
        }
        let nobody = json!({
            "id": minji.id, "username": null, "display_name": null, "status_message": null, "avatar": null, "is_available": false,
        });
        let rooms = junho.api.get("/chat-rooms").await.with(200)["items"][0].clone();
        for seen in [junho.api.get(&format!("/chat-rooms/{room}")).await.with(200), rooms] {
            assert!(seen["participants"].as_array().unwrap().contains(&nobody), "{seen}");
        }

        assert_eq!(junho.list(room).await, history);
        for person in [&minji, &junho] {
            assert_eq!(person.say_as(room, "after", "hello?").await.refusal(), closed());
        }
        // A retry after the block still gets its lost answer.
        assert_eq!(junho.say_as(room, "before", "hi").await.with(200), before);
    });
}

/// What somebody finds of another person with whom they have a room: statuses, codes, and how the room shows the other one.
async fn find(person: &Person, other: &Person, room: i64) -> Vec<Value> {
    let (them, message) =
        (json!({"user_id": other.id}), json!({"room_id": room, "room_type": "private", "content": "hi"}));
    let participant = json!({"participant_id": other.id});
    let mut found = Vec::new();
    for (path, body) in [("/friends/request", them), ("/chat-rooms", participant), ("/messages", message)] {
        found.push(json!(person.api.post(path, &body).await.refusal()));
    }
    found.push(json!(person.api.get(&format!("/users/{}", other.id)).await.refusal()));
    found.push(person.api.get("/friends").await.with(200));
    let seen = person.api.get(&format!("/chat-rooms/{room}")).await.with(200);
    assert_eq!(seen["updated_at"], seen["created_at"]);
    let mut both = seen["participants"].as_array().into_iter().flatten();
    let mut shown = both.find(|one| one["id"] == other.id).cloned().unwrap_or_default();
    shown["id"].take();
    found.push(shown);
    found
}

#[test]
fn a_blocker_and_a_closed_account_look_alike() {
    journey(async |stack| {
        let ((blocker, junho, room), (gone, minji, closed)) = tokio::join!(stack.pair(), stack.pair());
        let own = junho.say(room, "hello").await;

        blocker.block(&junho).await;
        deactivate(stack, &gone).await;

        assert_eq!(find(&junho, &blocker, room).await, find(&minji, &gone, closed).await);
        let deleted = junho.api.delete(&format!("/messages/{}", own["id"].as_str().unwrap())).await.with(200);
        assert_eq!(deleted["is_deleted"], true);
    });
}

#[test]
fn blocker_sees_the_blocked_and_may_not_send_a_request() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        minji.block(&junho).await;

        let again = minji.api.post("/blocks", &json!({"user_id": junho.id})).await.with(200);

        assert_eq!(minji.api.get("/blocks").await.with(200)["items"], json!([again]));
        minji.api.get(&format!("/users/{}", junho.id)).await.with(200);
        let asked = minji.api.post("/friends/request", &json!({"user_id": junho.id})).await;
        assert_eq!(asked.refusal(), (409, "user_blocked".to_owned()));
        let seen = minji.api.get(&format!("/chat-rooms/{room}")).await.with(200);
        assert!(seen["participants"].as_array().unwrap().iter().all(|person| person["is_available"] == true), "{seen}");
    });
}

#[test]
fn nothing_sent_after_a_block_was_answered_is_accepted() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;

        let sending = join_all((0..24).map(|number| {
            let sender = if number % 3 == 0 { &junho } else { &minji };
            keep_sending(sender, room, number)
        }));
        let blocking = async {
            minji.say_as(room, "warm", "hi").await.with(201);
            junho.block(&minji).await;
            Instant::now()
        };
        let (sent, answered) = tokio::join!(sending, blocking);

        let sent: Vec<Sent> = sent.into_iter().flatten().collect();
        for refused in sent.iter().filter(|sent| sent.begun > answered || sent.answer.status != 201) {
            assert_eq!(refused.answer.refusal(), closed());
        }
        let (there, _) = minji.catch_up(room, 0).await;
        assert!(there.len() > 1, "nothing was under way");
        for acknowledged in sent.iter().filter(|sent| sent.answer.status == 201) {
            let id = &acknowledged.answer.json()["id"];
            assert!(there.iter().any(|message| message["id"] == *id), "{id}");
        }
    });
}

#[test]
fn no_receipt_crosses_a_block() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let seq = minji.say(room, "hello").await["seq"].clone();
        let (minjis, junhos) = (minji.socket().await, junho.login().await.socket().await);
        minji.block(&junho).await;
        minjis.pushes().await;

        let read = json!({"room_id": room, "room_type": "private", "seq": seq});
        junho.api.post("/messages/read", &read).await.with(200);

        let own = junhos.push().await;
        assert_eq!((&own["t"], &own["d"]["user_id"]), (&json!("receipt.read"), &json!(junho.id)));
        assert_eq!(minjis.pushes().await, Vec::<Value>::new());
    });
}

#[test]
fn unblocking_restores_writing_and_nothing_else() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let request = minji.befriend(&junho).await;
        junho.api.call("PUT", &format!("/friends/{request}/accept"), None).await.with(200);
        minji.block(&junho).await;

        for _ in 0..2 {
            minji.unblock(&junho).await;
        }

        for person in [&minji, &junho] {
            person.say(room, "hello again").await;
            assert_eq!(person.api.get("/friends").await.with(200)["items"], json!([]));
        }
        junho.api.get(&format!("/users/{}", minji.id)).await.with(200);
    });
}

#[test]
fn mutually_blocked_room_opens_when_both_unblock() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        tokio::join!(minji.block(&junho), junho.block(&minji));

        minji.unblock(&junho).await;
        assert_eq!(minji.say_as(room, "1", "hi").await.refusal(), closed());
        junho.unblock(&minji).await;

        minji.say_as(room, "2", "hi").await.with(201);
    });
}

#[test]
fn blocks_and_unblocks_at_once_end_as_the_list_says() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;

        join_all((0..16).map(async |number| {
            if number % 2 == 0 {
                let answer = minji.api.post("/blocks", &json!({"user_id": junho.id})).await;
                assert!(matches!(answer.status, 200 | 201), "{}", answer.text);
            } else {
                minji.unblock(&junho).await;
            }
        }))
        .await;

        let is_blocked = minji.api.get("/blocks").await.with(200)["items"] != json!([]);
        let sent = junho.say_as(room, "1", "hi").await.status;
        assert_eq!(sent, if is_blocked { 403 } else { 201 });
    });
}

#[test]
fn blocked_person_may_block_without_learning_anything() {
    journey(async |stack| {
        let (minji, junho): (Person, Person) = tokio::join!(stack.register("minji"), stack.register("junho"));
        minji.block(&junho).await;

        let block = junho.api.post("/blocks", &json!({"user_id": minji.id})).await.with(201);

        assert_eq!(block["user"]["username"], Value::Null);
        assert_eq!(block["user"]["is_available"], false);
    });
}

fn closed() -> (u16, String) {
    (403, "recipient_unavailable".to_owned())
}

fn no_person() -> (u16, String) {
    (404, "user_not_found".to_owned())
}

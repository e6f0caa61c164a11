//! Accounts that are deleted, and what is exported of one.

use crate::keep_sending::{Sent, keep_sending};
use e2e::{Answer, Person, journey};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::time::Instant;

async fn delete(person: &Person) -> Answer {
    person.api.call("DELETE", "/users/me", Some(&json!({"password": e2e::PASSWORD}))).await
}

fn no_person() -> (u16, String) {
    (404, "user_not_found".to_owned())
}

#[test]
fn deleted_account_is_gone_for_everybody() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let laptop = minji.login().await;
        let socket = laptop.socket().await;
        let sent = minji.say(room, "hello").await;

        assert_eq!(delete(&minji).await.status, 202);

        let (frames, _) = socket.ending().await;
        assert_eq!(frames.last().unwrap()["t"], "session.revoked");
        for device in [&minji, &laptop] {
            assert_eq!(device.api.get("/users/me").await.refusal(), (401, "unauthenticated".to_owned()));
            let refresh = json!({"refresh_token": device.refresh_token});
            let refused = stack.api().post("/auth/refresh", &refresh).await;
            assert_eq!(refused.refusal(), (401, "refresh_token_invalid".to_owned()));
        }
        let login = json!({"email": minji.account["email"], "password": e2e::PASSWORD});
        let refused = stack.api().post("/auth/login", &login).await;
        assert_eq!(refused.refusal(), (401, "invalid_credentials".to_owned()));
        assert_eq!(junho.api.get(&format!("/users/{}", minji.id)).await.refusal(), no_person());
        let seen = junho.api.get(&format!("/chat-rooms/{room}")).await.with(200);
        let nobody = json!({
            "id": minji.id, "username": null, "display_name": null, "status_message": null, "avatar": null, "is_available": false,
        });
        assert!(seen["participants"].as_array().unwrap().contains(&nobody), "{seen}");
        stack.relay().await.unwrap();
        stack.relay().await.unwrap();
        let left = junho.list(room).await["items"][0].clone();
        assert_eq!((&left["id"], &left["content"], &left["is_deleted"]), (&sent["id"], &json!(""), &json!(true)));
        assert_eq!(left["seq"], sent["seq"]);
    });
}

#[test]
fn freed_address_and_name_belong_to_whoever_registers_next() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        minji.say(room, "hello").await;
        delete(&minji).await;

        let account = json!({
            "email": minji.account["email"], "username": minji.account["username"], "password": e2e::PASSWORD,
        });
        let answers = join_all((0..20).map(|_| async { stack.api().post("/auth/register", &account).await })).await;

        let made: Vec<_> = answers.iter().filter(|answer| answer.status == 201).collect();
        assert_eq!(made.len(), 1, "{answers:?}");
        assert_ne!(made[0].json()["id"], minji.id);
        let (id, path) = (made[0].json()["id"].clone(), format!("/chat-rooms/{room}"));
        let seen = junho.api.get(&path).await.with(200);
        assert!(seen["participants"].as_array().unwrap().iter().all(|person| person["id"] != id), "{seen}");
    });
}

#[test]
fn friends_of_a_deleted_account_are_told() {
    journey(async |stack| {
        let (minji, junho) = tokio::join!(stack.register("minji"), stack.register("junho"));
        let friendship = minji.befriend(&junho).await;
        junho.api.call("PUT", &format!("/friends/{friendship}/accept"), None).await.with(200);
        let socket = junho.socket().await;

        delete(&minji).await;
        assert_eq!(junho.api.get("/friends").await.with(200)["items"], json!([]));
        stack.relay().await.unwrap();

        let told = socket.push_where(|frame| frame["t"] == "friend.removed").await;
        assert_eq!((&told["d"]["id"], &told["d"]["by"]), (&json!(friendship), &json!(minji.id)));
        let repeated = junho.api.delete(&format!("/friends/{friendship}")).await;
        assert_eq!(repeated.refusal(), (404, "friendship_not_found".to_owned()));
    });
}

#[test]
fn nothing_sent_after_a_deletion_was_answered_is_accepted() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;

        let sending = join_all((0..20).map(|number| keep_sending(&minji, room, number)));
        let deleting = async {
            junho.say_as(room, "warm", "hi").await.with(201);
            assert_eq!(delete(&minji).await.status, 202);
            Instant::now()
        };
        let (sent, answered) = tokio::join!(sending, deleting);

        let sent: Vec<Sent> = sent.into_iter().flatten().collect();
        for late in sent.iter().filter(|sent| sent.begun > answered) {
            assert_eq!(late.answer.refusal(), (401, "unauthenticated".to_owned()));
        }
        assert!(sent.iter().any(|sent| sent.answer.status == 201));
    });
}

#[test]
fn requests_during_an_account_deletion_are_refused_or_undone() {
    journey(async |stack| {
        let minji = stack.register("minji").await;
        let others = join_all((0..20).map(|n| async move { stack.register(&format!("other{n}")).await })).await;
        let reach = async |(n, other): (usize, &Person)| {
            let (path, body) = match n % 3 {
                0 => ("/friends/request", json!({"user_id": minji.id})),
                1 => ("/chat-rooms", json!({"participant_id": minji.id})),
                _ => ("/blocks", json!({"user_id": minji.id})),
            };
            (path, other.api.post(path, &body).await)
        };

        let (answers, deleted) = tokio::join!(join_all(others.iter().enumerate().map(reach)), delete(&minji));

        assert_eq!(deleted.status, 202);
        for (path, answer) in answers {
            let is_late = path != "/blocks" && answer.status == 404 && answer.refusal() == no_person();
            assert!(answer.status == 201 || is_late, "{path}: {answer:?}");
        }
        stack.relay().await.unwrap();
        for other in &others {
            for path in ["/friends", "/friends/requests", "/friends/requests?direction=sent"] {
                assert_eq!(other.api.get(path).await.with(200)["items"], json!([]), "{path}");
            }
            let rooms = other.api.get("/chat-rooms").await.with(200);
            for room in rooms["items"].as_array().into_iter().flatten() {
                let message = json!({"room_id": room["id"], "room_type": "private", "content": "hi"});
                let refused = other.api.post("/messages", &message).await;
                assert_eq!(refused.refusal(), (403, "recipient_unavailable".to_owned()));
            }
        }
    });
}

#[test]
fn export_is_complete_and_has_nothing_of_others() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        for n in 0..5 {
            minji.say(room, &format!("mine {n}")).await;
            junho.say(room, &format!("theirs {n}")).await;
        }

        let (mut items, mut query) = (Vec::<Value>::new(), "?limit=2".to_owned());
        loop {
            let page = minji.api.get(&format!("/users/me/export{query}")).await.with(200);
            items.extend(page["items"].as_array().into_iter().flatten().cloned());
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            query = format!("?limit=2&cursor={cursor}");
        }

        let count = |kind: &str| items.iter().filter(|item| item["kind"] == kind).count();
        assert_eq!((count("profile"), count("session"), count("room"), count("message")), (1, 1, 1, 5));
        assert!(!json!(items).to_string().contains("theirs"));
    });
}

#[test]
fn group_keeps_one_active_owner_after_transfers_and_a_deletion() {
    journey(async |stack| {
        let owner = stack.register("owner").await;
        let group = json!({"name": "등산 모임"});
        let room = owner.api.post("/group-rooms", &group).await.with(201)["id"].as_i64().unwrap();
        let members = join_all((0..20).map(|n| async move { stack.register(&format!("member{n}")).await })).await;
        for member in &members {
            member.api.post(&format!("/group-rooms/{room}/join"), &json!({})).await;
        }
        let transfer = async |member: &Person| {
            owner.api.post(&format!("/group-rooms/{room}/transfer"), &json!({"user_id": member.id})).await
        };

        let (transfers, deleted) = tokio::join!(join_all(members.iter().map(transfer)), delete(&owner));

        assert_eq!(deleted.status, 202);
        assert!(transfers.iter().filter(|answer| answer.status == 200).count() <= 1, "{transfers:?}");
        stack.relay().await.unwrap();
        let path = format!("/group-rooms/{room}/members?limit=100");
        let page = members[0].api.get(&path).await.with(200);
        let listed = page["items"].as_array().unwrap();
        let owners: Vec<_> = listed.iter().filter(|member| member["role"] == "owner").collect();
        assert_eq!((listed.len(), owners.len()), (20, 1), "{page}");
        assert!(owners[0]["user"]["id"] != owner.id, "{page}");
    });
}

//! Sessions: refresh, logout and revocation.

use crate::keep_sending::{Sent, keep_sending};
use e2e::{Answer, Person, Socket, TestStack, journey, room_name, with_ticket};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::{collections::BTreeSet, time::Instant};

async fn refresh(stack: &TestStack, token: &Value) -> Answer {
    stack.api().post("/auth/refresh", &json!({"refresh_token": token})).await
}

/// The refusal without a valid session.
fn unauthenticated() -> (u16, String) {
    (401, "unauthenticated".to_owned())
}

fn no_refresh() -> (u16, String) {
    (401, "refresh_token_invalid".to_owned())
}

#[test]
fn refreshing_rotates_the_tokens() {
    journey(async |stack| {
        let minji = stack.register("minji").await;

        let once = refresh(stack, &json!(minji.refresh_token)).await.with(200);
        let twice = refresh(stack, &once["refresh_token"]).await.with(200);

        let refresh_tokens = [&json!(minji.refresh_token), &once["refresh_token"], &twice["refresh_token"]];
        assert_eq!(refresh_tokens.map(Value::to_string).iter().collect::<BTreeSet<_>>().len(), 3);
        for token in [&once, &twice].map(|tokens| tokens["access_token"].as_str().unwrap()) {
            assert_eq!(stack.api().with_token(token).get("/users/me").await.with(200)["id"], minji.id);
        }
        // It is still the same session.
        assert_eq!(minji.api.get("/auth/sessions").await.with(200)["items"].as_array().unwrap().len(), 1);
    });
}

#[test]
fn concurrent_refreshes_with_one_token_get_the_same_new_token() {
    journey(async |stack| {
        let token = json!(stack.register("minji").await.refresh_token);

        let answers = join_all((0..20).map(|_| refresh(stack, &token))).await;

        let given: BTreeSet<String> =
            answers.iter().map(|answer| answer.with(200)["refresh_token"].to_string()).collect();
        assert_eq!(given.len(), 1, "{given:?}");
        refresh(stack, &answers[0].json()["refresh_token"]).await.with(200);
    });
}

#[test]
fn late_reuse_of_a_refresh_token_revokes_the_session() {
    journey(async |stack| {
        let stolen = stack.register("minji").await;
        let (elsewhere, socket) = (stolen.login().await, stolen.socket().await);
        let second = refresh(stack, &json!(stolen.refresh_token)).await.with(200);
        let third = refresh(stack, &second["refresh_token"]).await.with(200);

        assert_eq!(refresh(stack, &json!(stolen.refresh_token)).await.refusal(), no_refresh());

        assert_eq!(refresh(stack, &third["refresh_token"]).await.refusal(), no_refresh());
        let owner = stack.api().with_token(third["access_token"].as_str().unwrap());
        assert_eq!(owner.get("/users/me").await.refusal(), unauthenticated());
        assert_eq!(socket.ending().await.0[0]["t"], "session.revoked");
        elsewhere.api.get("/users/me").await.with(200);
    });
}

#[test]
fn invalid_refresh_tokens_are_refused() {
    journey(async |stack| {
        let (minji, junho) = tokio::join!(stack.register("minji"), stack.register("junho"));
        let mut parts: Vec<&str> = minji.refresh_token.split('.').collect();
        let later = format!("{}.2.{}", parts[0], parts[2]);
        let session = junho.session();
        parts[0] = &session;
        for token in ["", "none", &minji.token, &later, &parts.join("."), &minji.refresh_token[1..]] {
            assert_eq!(refresh(stack, &json!(token)).await.refusal(), no_refresh(), "{token}");
        }
        refresh(stack, &json!(minji.refresh_token)).await.with(200);
    });
}

#[test]
fn logout_ends_this_session_at_once_and_no_other() {
    journey(async |stack| {
        let phone = stack.register("minji").await;
        let laptop = phone.login().await;
        let (phones, laptops) = (phone.socket().await, laptop.socket().await);
        let (url, unused) = phone.ticket().await;

        phone.logout().await;

        let (frames, _) = phones.ending().await;
        assert_eq!(frames, [json!({"t": "session.revoked", "d": {"session": phone.session()}})]);
        assert_eq!(phone.api.get("/users/me").await.refusal(), unauthenticated());
        assert_eq!(phone.api.get("/messages/unread").await.refusal(), unauthenticated());
        assert_eq!(refresh(stack, &json!(phone.refresh_token)).await.refusal(), no_refresh());
        assert_eq!(Socket::upgrade(&with_ticket(&url, &unused), &[]).await.err(), Some(401));

        assert_eq!(laptops.pushes().await, Vec::<Value>::new());
        let sessions = laptop.api.get("/auth/sessions").await.with(200);
        assert_eq!(ids(&sessions), [laptop.session()]);
        refresh(stack, &json!(laptop.refresh_token)).await.with(200);
    });
}

#[test]
fn nothing_sent_after_a_logout_was_answered_is_accepted() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let socket = minji.socket().await;
        for number in 0..8 {
            let frame = json!({"room": room_name(room), "client_id": format!("frame-{number}"), "content": "hi"});
            socket.send("send", &frame);
        }

        let sending = join_all((0..20).map(|number| keep_sending(&minji, room, number)));
        let logging_out = async {
            minji.say_as(room, "warm", "hi").await;
            minji.logout().await;
            Instant::now()
        };
        let (sent, answered) = tokio::join!(sending, logging_out);

        let sent: Vec<Sent> = sent.into_iter().flatten().collect();
        for late in sent.iter().filter(|sent| sent.begun > answered) {
            assert_eq!(late.answer.refusal(), unauthenticated());
        }
        let (frames, _) = socket.ending().await;
        let acks = frames.iter().filter(|frame| frame["t"] == "ack").map(|ack| ack["d"]["id"].clone());
        let acknowledged =
            sent.iter().filter(|sent| sent.answer.status == 201).map(|sent| sent.answer.json()["id"].clone());
        let (there, _) = junho.catch_up(room, 0).await;
        assert!(there.len() > 1, "nothing was under way");
        for id in acknowledged.chain(acks) {
            assert!(there.iter().any(|message| message["id"] == id), "{id}");
        }
    });
}

#[test]
fn new_password_ends_other_sessions_and_the_old_password() {
    journey(async |stack| {
        let phone = stack.register("minji").await;
        let laptop = phone.login().await;
        let (phones, laptops) = (phone.socket().await, laptop.socket().await);
        let change = json!({"current_password": e2e::PASSWORD, "new_password": "battery horse correct"});

        assert_eq!(phone.api.put("/auth/password", &change).await.status, 204);

        assert_eq!(laptops.ending().await.0[0]["t"], "session.revoked");
        assert_eq!(laptop.api.get("/users/me").await.refusal(), unauthenticated());
        assert_eq!(refresh(stack, &json!(laptop.refresh_token)).await.refusal(), no_refresh());
        assert_eq!(phones.pushes().await, Vec::<Value>::new());
        refresh(stack, &json!(phone.refresh_token)).await.with(200);
        let login = async |password: &str| {
            let body = json!({"email": phone.account["email"], "password": password});
            stack.api().post("/auth/login", &body).await
        };
        assert_eq!(login(e2e::PASSWORD).await.refusal(), (401, "invalid_credentials".to_owned()));
        login("battery horse correct").await.with(200);
    });
}

#[test]
fn a_wrong_current_password_changes_nothing() {
    journey(async |stack| {
        let phone = stack.register("minji").await;
        let laptop = phone.login().await;
        let change = json!({"current_password": "a wrong password", "new_password": "battery horse correct"});

        let refused = phone.api.put("/auth/password", &change).await;

        assert_eq!(refused.refusal(), (403, "wrong_password".to_owned()));
        laptop.api.get("/users/me").await.with(200);
        phone.login().await;
    });
}

#[test]
fn sessions_are_listed_and_can_be_ended() {
    journey(async |stack| {
        let phone: Person = stack.register("minji").await;
        let laptop = phone.login().await;
        let list = async || laptop.api.get("/auth/sessions").await.with(200);
        let sessions = list().await;
        assert_eq!(ids(&sessions), [laptop.session(), phone.session()]);
        assert_eq!(sessions["items"][0]["is_current"], true);
        assert_eq!(sessions["items"][1]["is_current"], false);

        for _ in 0..2 {
            assert_eq!(laptop.api.delete(&format!("/auth/sessions/{}", phone.session())).await.status, 204);
        }

        assert_eq!(ids(&list().await), [laptop.session()]);
        assert_eq!(phone.api.get("/users/me").await.refusal(), unauthenticated());
        let unknown = laptop.api.delete(&format!("/auth/sessions/{}", "0".repeat(32))).await;
        assert_eq!(unknown.refusal(), (404, "session_not_found".to_owned()));
    });
}

fn ids(sessions: &Value) -> Vec<String> {
    let items = sessions["items"].as_array().into_iter().flatten();
    items.map(|session| session["id"].as_str().unwrap_or_default().to_owned()).collect()
}

//! Logs hold no secrets, no message texts, and nothing of files.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "what fails here fails the journey")]

use crate::proxied_stack::{LIMIT, journey_with_proxies_in, recovered, relayed};
use client::File;
use e2e::{Api, Socket, room_name, with_ticket};
use serde_json::{Value, json};
use stack::Options;
use std::time::Duration;
use testkit::proxy::Proxy;
use tokio::time::{sleep, timeout};

/// The names of all files begin with it.
const NAME: &str = "canary-file";

const PHOTO: File<'_> = File {
    kind: "image",
    name: "canary-file.jpg",
    media_type: "image/jpeg",
    bytes: include_bytes!("../../../../shared/media/fixtures/progressive.jpg"),
};

const NOTE: File<'_> = File {
    kind: "voice",
    name: "canary-file.ogg",
    media_type: "audio/ogg",
    bytes: include_bytes!("../../../../shared/media/fixtures/opus.ogg"),
};

#[test]
fn no_secret_and_no_text_is_ever_logged() {
    let mut options = Options::for_test();
    options.environment.insert("DEBUG".to_owned(), "true".to_owned());
    options.parameters.insert("Debug".to_owned(), "true".to_owned());
    let mut secrets = vec![options.secret_key.clone()];

    let lines = journey_with_proxies_in(options, async |stack, mysql, mongo| {
        let (email, password) = ("canary.address@example.com", "canary password");
        let account = json!({"email": email, "username": "canary-username", "password": password});
        stack.api().post("/auth/register", &account).await.with(201);
        assert_eq!(stack.api().post("/auth/password-reset/request", &json!({"email": email})).await.status, 202);
        let mail = stack.mail(email, "reset-password", &[]).await;
        secrets.extend(
            mail.text.split("#token=").nth(1).and_then(|rest| rest.split_whitespace().next()).map(str::to_owned),
        );
        let tokens = stack.api().post("/auth/login", &json!({"email": email, "password": password})).await.with(200);
        let token = tokens["access_token"].as_str().unwrap();
        let canary = stack.api().with_token(token);
        let other = stack.register("other").await;
        let room = canary.post("/chat-rooms", &json!({"participant_id": other.id})).await.with(201)["id"].clone();
        let ticket = canary.call("POST", "/auth/ticket", None).await.with(201);
        let unused = canary.call("POST", "/auth/ticket", None).await.with(201);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        secrets.extend([email, password, token].map(str::to_owned));
        secrets.extend([&tokens["refresh_token"], &ticket["ticket"], &unused["ticket"]].map(text));
        secrets.extend(
            [
                "canary text",
                "canary edit",
                "canary frame",
                "canary reply",
                "wrong canary",
                "new canary password",
                "canary.forged",
            ]
            .map(str::to_owned),
        );

        let socket =
            Socket::upgrade(&with_ticket(stack.socket_url(), ticket["ticket"].as_str().unwrap()), &[]).await.unwrap();
        let body = json!({"room_id": room, "room_type": "private", "content": "canary text", "client_id": "1"});
        let sent = canary.post("/messages", &body).await.with(201);
        canary.post("/messages", &body).await.with(200);
        canary.put(&format!("/messages/{}", text(&sent["id"])), &json!({"content": "canary edit"})).await.with(200);
        let name = room_name(room.as_i64().unwrap());
        canary.get("/messages/search?q=canary%20text").await.with(200);
        canary.get(&format!("/messages/search?q=%22canary%20text%22&room_id={room}")).await.with(200);
        assert_eq!(canary.get("/messages/search?q=canary%20text&page=canary%20text").await.status, 422);
        socket.ask("send", json!({"room": name, "client_id": "2", "content": "canary frame"})).await;
        socket.ask("send", json!({"room": name, "client_id": "2", "content": "canary frame\u{0}"})).await;
        socket.ask("edit", json!({"id": "canary frame", "content": "canary frame"})).await;
        socket.send_text("canary frame");
        refused(stack.api(), &canary, email, password).await;
        for used in [ticket["ticket"].as_str().unwrap(), "canary.forged"] {
            assert_eq!(Socket::upgrade(&with_ticket(stack.socket_url(), used), &[]).await.err(), Some(401));
        }
        socket.ask("ping", json!({})).await;
        socket.close().await;
        let links = files(&canary, &room, &mut secrets).await;

        let answered =
            json!({"room_id": room, "room_type": "private", "content": "canary reply", "reply_to": sent["id"]});
        let reply = text(&canary.post("/messages", &answered).await.with(201)["id"]);
        for line in [mysql, mongo] {
            for away in [Proxy::cut, Proxy::silence] {
                away(line);
                let (run, ()) = tokio::join!(stack.relay(), everything(stack.api(), &canary, email, [&body, &links]));
                assert!(run.is_err(), "{run:?}");
                line.restore();
                recovered(async || canary.get("/users/me").await).await.with(200);
            }
        }
        recovered(async || canary.delete(&format!("/messages/{reply}")).await).await.with(200);
        relayed(stack).await;
        secrets.extend(end(stack.api(), &canary, email, &text(&tokens["refresh_token"])).await);
        relayed(stack).await;
    });

    // Without any log line the test would prove nothing.
    for function in ["auth", "inspect", "messages", "relay", "uploads", "users", "ws-connect", "ws-send"] {
        assert!(lines.iter().any(|line| line.starts_with(&format!("{function}: {{"))), "{function} is silent");
    }
    // At debug level each of them says what its invocations cost.
    for function in ["auth", "messages", "ws-send"] {
        let told = lines.iter().filter(|line| line.starts_with(&format!("{function}: {{")));
        let costs = |line: &&String| line.contains(r#""message":"Answered","gigabyte_seconds":0.0"#);
        let counted =
            |line: &&String| !line.contains(r#""gateway_messages":0"#) && !line.contains(r#""store_operations":0"#);
        assert!(told.filter(costs).any(|line| counted(&line)), "{function} does not say what it costs");
    }
    let told: Vec<_> =
        lines.iter().filter(|line| secrets.iter().any(|secret| line.contains(secret.as_str()))).collect();
    assert!(told.is_empty(), "{told:#?}");
}

/// Uploads files, shows them and reads them; returns the body that asks for links.
async fn files(canary: &Api, room: &Value, secrets: &mut Vec<String>) -> Value {
    secrets.push(NAME.to_owned());
    let mut items = Vec::new();
    for file in [&PHOTO, &NOTE] {
        let upload = upload(canary, file, "message", secrets).await;
        let message = json!({
            "room_id": room, "room_type": "private", "content": "", "message_type": file.kind,
            "attachments": [{"upload_id": upload}],
        });
        let sent = canary.post("/messages", &message).await.with(201);
        items.push(json!({"message_id": sent["id"], "id": upload}));
    }
    let avatar = upload(canary, &File { name: "canary-file-of-mine.jpg", ..PHOTO }, "avatar", secrets).await;
    let me = canary.put("/users/me/avatar", &json!({"upload_id": avatar})).await.with(200);
    items.push(json!({"user_id": me["id"], "id": avatar, "variant": "small"}));
    for link in canary.links(&json!(items)).await {
        secrets.extend(signed(&link));
        canary.download(&link).await;
    }

    let page = File { name: "canary-file-of-a-page.jpg", bytes: b"<html>canary text", ..PHOTO };
    assert_eq!(canary.try_upload(&page).await["state"], "rejected");
    let wrong = json!({"kind": NAME, "name": NAME, "size": 1, "type": NAME, "client_id": "x"});
    assert_eq!(canary.post("/uploads", &wrong).await.status, 422);
    assert_eq!(canary.put("/users/me/avatar", &json!({"upload_id": NAME})).await.status, 422);
    json!({"items": items})
}

/// Uploads a file until it is ready; returns its id, and notes what nobody may read.
async fn upload(canary: &Api, file: &File<'_>, purpose: &str, secrets: &mut Vec<String>) -> Value {
    let mut request = file.request(&format!("{purpose}-{}", file.kind));
    request["purpose"] = purpose.into();
    let created = canary.post("/uploads", &request).await.with(201);
    secrets.extend(signed(&created["put"]["url"]));
    assert_eq!(canary.put_bytes(&created["put"], file.bytes).await.status, 200);
    let path = format!("/uploads/{}", created["id"].as_str().unwrap());
    let inspected = async {
        loop {
            let shown = canary.get(&path).await.with(200);
            if shown["state"] == "ready" {
                break shown;
            }
            sleep(Duration::from_millis(100)).await;
        }
    };
    let ready = timeout(LIMIT, inspected).await.expect("an inspection in time");
    let facts: Vec<_> =
        ["thumbhash", "waveform"].iter().filter_map(|name| ready["attachment"][name].as_str()).collect();
    assert!(!facts.is_empty(), "{ready}");
    secrets.extend(facts.into_iter().map(str::to_owned));
    created["id"].clone()
}

/// A link, and its signature.
fn signed(link: &Value) -> [String; 2] {
    let link = link.as_str().unwrap();
    let (_, signature) = link.split_once("X-Amz-Signature=").unwrap();
    [link, signature.split('&').next().unwrap()].map(str::to_owned)
}

/// The same secrets in requests that fail.
async fn refused(nobody: Api, canary: &Api, email: &str, password: &str) {
    let again = json!({"email": email, "username": "canary-username", "password": password});
    assert_eq!(nobody.post("/auth/register", &again).await.status, 409);
    let unknown = json!({"email": email, "username": "x", "password": "wrong canary", "x": password});
    assert_eq!(nobody.post("/auth/register", &unknown).await.status, 422);
    assert_eq!(nobody.post("/auth/login", &json!({"email": email, "password": "wrong canary"})).await.status, 401);
    assert_eq!(nobody.raw("POST", "/auth/login", format!("{email}{password}")).await.status, 400);
    assert_eq!(nobody.with_token("canary.forged").get("/messages/1").await.status, 401);
    let stranger = json!({"room_id": 2_000_000_000, "room_type": "private", "content": "canary text"});
    assert_eq!(canary.post("/messages", &stranger).await.status, 404);
    let wrong = json!({"room_id": "canary text", "room_type": "canary text", "content": "canary text"});
    assert_eq!(canary.post("/messages", &wrong).await.status, 422);
}

/// Requests with secrets, while a store is unreachable.
async fn everything(nobody: Api, canary: &Api, email: &str, [message, links]: [&Value; 2]) {
    let login = json!({"email": email, "password": "canary password"});
    let change = json!({"current_password": "canary password", "new_password": "new canary password"});
    let account = json!({"email": "x@example.com", "username": "x", "password": "canary password"});
    let refresh = json!({"refresh_token": "canary.forged"});
    let upload = PHOTO.request("another");
    tokio::join!(
        nobody.post("/auth/login", &login),
        nobody.post("/auth/register", &account),
        nobody.post("/auth/refresh", &refresh),
        canary.put("/auth/password", &change),
        canary.call("POST", "/auth/ticket", None),
        canary.post("/messages", message),
        canary.get("/users/search?q=canary"),
        canary.post("/files/links", links),
        canary.post("/uploads", &upload),
    );
}

/// Refreshes, changes the password and reuses an old refresh token; returns the secrets.
async fn end(nobody: Api, canary: &Api, email: &str, first: &str) -> Vec<String> {
    let refresh = async |token: &str| nobody.post("/auth/refresh", &json!({"refresh_token": token})).await;
    let second = recovered(async || refresh(first).await).await.with(200);
    let third = refresh(second["refresh_token"].as_str().unwrap_or_default()).await.with(200);
    let change = |current: &str| json!({"current_password": current, "new_password": "new canary password"});
    assert_eq!(canary.put("/auth/password", &change("wrong canary")).await.status, 403);
    assert_eq!(canary.put("/auth/password", &change("canary password")).await.status, 204);
    nobody.post("/auth/login", &json!({"email": email, "password": "new canary password"})).await.with(200);
    assert_eq!(refresh(first).await.status, 401);
    let tokens = ["access_token", "refresh_token"];
    [&second, &third]
        .into_iter()
        .flat_map(|given| tokens.map(|name| given[name].as_str().unwrap_or("?").to_owned()))
        .collect()
}

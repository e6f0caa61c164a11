//! Snapshots of what clients rely on: accounts, messages and frames.

use e2e::{journey, room_name};
use insta::assert_snapshot;
use serde_json::{Value, json};

/// Pretty JSON with placeholders for values that differ from run to run.
pub(crate) fn shape(value: &Value) -> String {
    format!("{:#}", settled("", value))
}

fn settled(key: &str, value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().map(|(key, value)| (room(key), settled(key, value))).collect();
            fields.sort_by(|one, other| one.0.cmp(&other.0));
            Value::Object(fields.into_iter().collect())
        }
        Value::Array(items) => items.iter().map(|item| settled(key, item)).collect(),
        Value::String(text) => match key {
            "email" | "username" | "access_token" | "refresh_token" | "ticket" | "url" | "request_id" => {
                json!(format!("[{key}]"))
            }
            "id" | "reply_to" if text.len() == 24 => json!("[message id]"),
            "id" | "session" if text.len() == 32 => json!("[session id]"),
            "room" | "gaps" | "gone" => json!(room(text)),
            key if key.ends_with("_at") || key == "since" => json!(if is_time(text) { "[time]" } else { text }),
            _ => value.clone(),
        },
        Value::Number(_) => match key {
            "id" | "user_id" | "user_id_1" | "user_id_2" | "room_id" | "user" | "by" | "reconnect_at" => {
                json!(format!("[{key}]"))
            }
            _ => value.clone(),
        },
        _ => value.clone(),
    }
}

/// The name of a room without its id; any other text unchanged.
fn room(text: &str) -> String {
    let kind = text.trim_end_matches(|c: char| c.is_ascii_digit());
    if kind == "private:" { format!("{kind}[room id]") } else { text.to_owned() }
}

/// RFC 3339, UTC, milliseconds.
fn is_time(text: &str) -> bool {
    let form: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    form == "0000-00-00T00:00:00.000Z"
}

#[test]
fn an_account_and_its_tokens() {
    journey(async |stack| {
        let minji = stack.register("minji").await;
        assert_snapshot!(shape(&minji.account), @r#"
        {
          "avatar": null,
          "created_at": "[time]",
          "display_name": null,
          "email": "[email]",
          "email_verified": false,
          "id": "[id]",
          "locale": "en",
          "presence_visibility": "friends",
          "read_receipts": true,
          "status_message": null,
          "updated_at": "[time]",
          "username": "[username]"
        }
        "#);
        let login = json!({"email": minji.account["email"], "password": e2e::PASSWORD});
        assert_snapshot!(shape(&stack.api().post("/auth/login", &login).await.with(200)), @r#"
        {
          "access_token": "[access_token]",
          "expires_in": 900,
          "refresh_token": "[refresh_token]",
          "token_type": "bearer"
        }
        "#);
        assert_snapshot!(shape(&minji.api.call("POST", "/auth/ticket", None).await.with(201)), @r#"
        {
          "expires_at": "[time]",
          "ticket": "[ticket]",
          "url": "[url]"
        }
        "#);
    });
}

#[test]
fn a_chat_room() {
    journey(async |stack| {
        let (minji, _, room) = stack.pair().await;
        assert_snapshot!(shape(&minji.api.get(&format!("/chat-rooms/{room}")).await.with(200)), @r#"
        {
          "created_at": "[time]",
          "id": "[id]",
          "last_message": null,
          "participants": [
            {
              "avatar": null,
              "display_name": null,
              "id": "[id]",
              "is_available": true,
              "status_message": null,
              "username": "[username]"
            },
            {
              "avatar": null,
              "display_name": null,
              "id": "[id]",
              "is_available": true,
              "status_message": null,
              "username": "[username]"
            }
          ],
          "room_type": "private",
          "unread_count": 0,
          "updated_at": "[time]"
        }
        "#);
    });
}

#[test]
fn a_message_a_page_and_a_sync() {
    journey(async |stack| {
        let (minji, _, room) = stack.pair().await;
        let sent = minji.say_as(room, "one", "안녕").await.with(201);
        let url = format!("/messages/{}", sent["id"].as_str().unwrap());
        assert_snapshot!(shape(&sent), @r#"
        {
          "attachments": [],
          "client_id": "one",
          "content": "안녕",
          "created_at": "[time]",
          "edited_at": null,
          "forwarded_from": null,
          "id": "[message id]",
          "is_deleted": false,
          "is_edited": false,
          "mentions": [],
          "mentions_all": null,
          "message_type": "text",
          "pinned_at": null,
          "pinned_by": null,
          "quote": null,
          "reactions": [],
          "reply_to": null,
          "rev": 1,
          "room_id": "[room_id]",
          "room_type": "private",
          "seq": 1,
          "system": null,
          "updated_at": "[time]",
          "user_id": "[user_id]"
        }
        "#);
        let edited = minji.api.put(&url, &json!({"content": "안녕하세요"})).await.with(200);
        assert_snapshot!(shape(&edited), @r#"
        {
          "attachments": [],
          "client_id": "one",
          "content": "안녕하세요",
          "created_at": "[time]",
          "edited_at": "[time]",
          "forwarded_from": null,
          "id": "[message id]",
          "is_deleted": false,
          "is_edited": true,
          "mentions": [],
          "mentions_all": null,
          "message_type": "text",
          "pinned_at": null,
          "pinned_by": null,
          "quote": null,
          "reactions": [],
          "reply_to": null,
          "rev": 2,
          "room_id": "[room_id]",
          "room_type": "private",
          "seq": 1,
          "system": null,
          "updated_at": "[time]",
          "user_id": "[user_id]"
        }
        "#);
        minji.catch_up(room, 0).await;
        assert_eq!(
            minji.list(room).await,
            json!({"items": [edited], "has_before": false, "has_after": false, "cursor": 2})
        );
        assert_eq!(minji.sync(room, 0).await, json!({"items": [edited], "cursor": 2, "head": 2, "more": false}));
    });
}

#[test]
fn message_frames() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let name = room_name(room);
        let (minjis, junhos) = (minji.socket().await, junho.socket().await);

        let ack = minjis.ask("send", json!({"room": name, "client_id": "one", "content": "hi"})).await;
        assert_snapshot!(shape(&ack), @r#"
        {
          "d": {
            "dup": false,
            "id": "[message id]",
            "message": {
              "attachments": [],
              "client_id": "one",
              "content": "hi",
              "created_at": "[time]",
              "edited_at": null,
              "forwarded_from": null,
              "id": "[message id]",
              "is_deleted": false,
              "is_edited": false,
              "mentions": [],
              "mentions_all": null,
              "message_type": "text",
              "pinned_at": null,
              "pinned_by": null,
              "quote": null,
              "reactions": [],
              "reply_to": null,
              "rev": 1,
              "room_id": "[room_id]",
              "room_type": "private",
              "seq": 1,
              "system": null,
              "updated_at": "[time]",
              "user_id": "[user_id]"
            },
            "rev": 1,
            "seq": 1
          },
          "re": "2",
          "t": "ack"
        }
        "#);
        assert_snapshot!(shape(&junhos.push().await), @r#"
        {
          "d": {
            "attachments": [],
            "client_id": "one",
            "content": "hi",
            "created_at": "[time]",
            "edited_at": null,
            "forwarded_from": null,
            "id": "[message id]",
            "is_deleted": false,
            "is_edited": false,
            "mentions": [],
            "mentions_all": null,
            "message_type": "text",
            "pinned_at": null,
            "pinned_by": null,
            "quote": null,
            "reactions": [],
            "reply_to": null,
            "rev": 1,
            "room_id": "[room_id]",
            "room_type": "private",
            "seq": 1,
            "system": null,
            "updated_at": "[time]",
            "user_id": "[user_id]"
          },
          "rev": 1,
          "room": "private:[room id]",
          "t": "message.created"
        }
        "#);
    });
}

#[test]
fn change_frames() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let (name, junhos) = (room_name(room), junho.socket().await);
        let sent = minji.say_as(room, "one", "hi").await.with(201);
        junhos.push().await;

        minji.socket().await.ask("edit", json!({"id": sent["id"], "content": "ho"})).await;

        assert_snapshot!(shape(&junhos.push().await), @r#"
        {
          "d": {
            "attachments": [],
            "client_id": "one",
            "content": "ho",
            "created_at": "[time]",
            "edited_at": "[time]",
            "forwarded_from": null,
            "id": "[message id]",
            "is_deleted": false,
            "is_edited": true,
            "mentions": [],
            "mentions_all": null,
            "message_type": "text",
            "pinned_at": null,
            "pinned_by": null,
            "quote": null,
            "reactions": [],
            "reply_to": null,
            "rev": 2,
            "room_id": "[room_id]",
            "room_type": "private",
            "seq": 1,
            "system": null,
            "updated_at": "[time]",
            "user_id": "[user_id]"
          },
          "rev": 2,
          "room": "private:[room id]",
          "t": "message.updated"
        }
        "#);
        junho.catch_up(room, 0).await;
        assert_snapshot!(shape(&junhos.ask("sync", json!({"room": name, "after_rev": 1})).await), @r#"
        {
          "d": {
            "cursor": 2,
            "head": 2,
            "items": [
              {
                "attachments": [],
                "client_id": "one",
                "content": "ho",
                "created_at": "[time]",
                "edited_at": "[time]",
                "forwarded_from": null,
                "id": "[message id]",
                "is_deleted": false,
                "is_edited": true,
                "mentions": [],
                "mentions_all": null,
                "message_type": "text",
                "pinned_at": null,
                "pinned_by": null,
                "quote": null,
                "reactions": [],
                "reply_to": null,
                "rev": 2,
                "room_id": "[room_id]",
                "room_type": "private",
                "seq": 1,
                "system": null,
                "updated_at": "[time]",
                "user_id": "[user_id]"
              }
            ],
            "more": false
          },
          "re": "2",
          "t": "sync"
        }
        "#);
    });
}

#[test]
fn connection_frames() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let (name, junhos) = (room_name(room), junho.socket().await);
        minji.say(room, "hi").await;
        junhos.push().await;

        assert_snapshot!(shape(&junhos.ask("hello", json!({"v": 1, "cursors": {&name: 0}})).await), @r#"
        {
          "d": {
            "active_s": 120,
            "badge": 1,
            "gaps": [
              "private:[room id]"
            ],
            "gone": [],
            "more": false,
            "ping_s": 540,
            "presence": {
              "more": false,
              "online": []
            },
            "reconnect_at": "[reconnect_at]",
            "session": "[session id]",
            "typing": true,
            "unread": {
              "private:[room id]": 1
            },
            "user": "[user]",
            "user_rev": 1
          },
          "re": "2",
          "t": "ready"
        }
        "#);
        assert_snapshot!(shape(&junhos.ask("ping", json!({})).await), @r#"
        {
          "d": {
            "gaps": [],
            "gone": [],
            "more": false
          },
          "re": "3",
          "t": "pong"
        }
        "#);
        assert_snapshot!(shape(&junhos.ask("sync", json!({"room": "private:0", "after_rev": -1})).await), @r#"
        {
          "d": {
            "code": "room_not_found",
            "fatal": false,
            "message": "The room was not found.",
            "request_id": "[request_id]"
          },
          "re": "4",
          "t": "error"
        }
        "#);
        assert_snapshot!(shape(&junhos.ask("send", json!({"room": name, "client_id": "", "content": ""})).await), @r#"
        {
          "d": {
            "code": "invalid_fields",
            "errors": [
              {
                "code": "blank",
                "detail": "It must not be blank.",
                "field": "content"
              },
              {
                "code": "blank",
                "detail": "It must not be blank.",
                "field": "client_id"
              }
            ],
            "fatal": false,
            "message": "Some fields are not valid.",
            "request_id": "[request_id]"
          },
          "re": "5",
          "t": "error"
        }
        "#);
    });
}

#[test]
fn health() {
    journey(async |stack| {
        let alive = stack.api().get("/health").await.with(200);
        assert_eq!(alive, json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")}));
        let ready = stack.api().get("/health/ready").await.with(200);
        let checks = json!({"mysql": "ok", "mongo": "ok", "schema": "current"});
        assert_eq!(ready, json!({"status": "ready", "checks": checks}));
    });
}

//! Snapshots of what clients rely on: rooms, reads and deletions.

use crate::shapes::shape;
use e2e::{journey, room_name};
use insta::assert_snapshot;
use serde_json::json;

#[test]
fn room_list_and_unread_counts() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let asked = minji.say_as(room, "one", "어디야?").await.with(201);
        let reply = json!({"room_id": room, "room_type": "private", "content": "집", "reply_to": asked["id"], "client_id": "two"});
        junho.api.post("/messages", &reply).await.with(201);
        assert_snapshot!(shape(&minji.api.get("/chat-rooms").await.with(200)), @r#"
        {
          "items": [
            {
              "created_at": "[time]",
              "id": "[id]",
              "last_message": {
                "attachments": [],
                "client_id": "two",
                "content": "집",
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
                "quote": {
                  "attachment": null,
                  "content": "어디야?",
                  "is_deleted": false,
                  "message_type": "text",
                  "user_id": "[user_id]"
                },
                "reactions": [],
                "reply_to": "[message id]",
                "rev": 2,
                "room_id": "[room_id]",
                "room_type": "private",
                "seq": 2,
                "system": null,
                "updated_at": "[time]",
                "user_id": "[user_id]"
              },
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
              "unread_count": 1,
              "updated_at": "[time]"
            }
          ],
          "next_cursor": null
        }
        "#);
        assert_snapshot!(shape(&minji.api.get("/messages/unread").await.with(200)), @r#"
        {
          "items": [
            {
              "read_seq": 0,
              "room_id": "[room_id]",
              "room_type": "private",
              "unread_count": 1
            }
          ],
          "next_cursor": null
        }
        "#);
        let read = json!({"room_id": room, "room_type": "private", "seq": 2});
        assert_snapshot!(shape(&minji.api.post("/messages/read", &read).await.with(200)), @r#"
        {
          "read_seq": 2,
          "unread_count": 0
        }
        "#);
    });
}

#[test]
fn read_and_delete_frames() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let (minjis, junhos) = (minji.socket().await, junho.socket().await);
        let sent = minji.say_as(room, "one", "hi").await.with(201);
        junhos.push().await;
        minjis.push().await;

        let read = junhos.ask("read", json!({"room": room_name(room), "seq": 1})).await;
        assert_snapshot!(shape(&read), @r#"
        {
          "d": {
            "read_seq": 1,
            "unread_count": 0
          },
          "re": "2",
          "t": "ack"
        }
        "#);
        assert_snapshot!(shape(&minjis.push().await), @r#"
        {
          "d": {
            "read_seq": 1,
            "user_id": "[user_id]"
          },
          "room": "private:[room id]",
          "t": "receipt.read"
        }
        "#);
        let deleted = minjis.ask("delete", json!({"id": sent["id"]})).await;
        assert_snapshot!(shape(&deleted["d"]["message"]), @r#"
        {
          "attachments": [],
          "client_id": "one",
          "content": "",
          "created_at": "[time]",
          "edited_at": null,
          "forwarded_from": null,
          "id": "[message id]",
          "is_deleted": true,
          "is_edited": false,
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
        let pushed = junhos.push().await;
        assert_eq!(pushed["d"], deleted["d"]["message"]);
        assert_eq!((&pushed["t"], &pushed["rev"]), (&json!("message.deleted"), &deleted["d"]["rev"]));
    });
}

#[test]
fn a_participant_who_blocked_the_caller() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        minji.block(&junho).await;
        let seen = junho.api.get(&format!("/chat-rooms/{room}")).await.with(200);
        let participants = seen["participants"].as_array().unwrap();
        let blocker = participants.iter().find(|participant| participant["id"] == minji.id).unwrap();
        assert_snapshot!(shape(blocker), @r#"
        {
          "avatar": null,
          "display_name": null,
          "id": "[id]",
          "is_available": false,
          "status_message": null,
          "username": null
        }
        "#);
    });
}

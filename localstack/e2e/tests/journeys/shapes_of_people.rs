//! Snapshots of what clients rely on: people, friendships and blocks.

use crate::shapes::shape;
use e2e::journey;
use insta::assert_snapshot;
use serde_json::json;

#[test]
fn an_account_and_a_profile() {
    journey(async |stack| {
        let (minji, junho) = tokio::join!(stack.register("minji"), stack.register("junho"));
        let change = json!({"display_name": "김민지", "status_message": "오늘도 화이팅", "locale": "en"});
        assert_snapshot!(shape(&minji.api.put("/users/me", &change).await.with(200)), @r#"
        {
          "avatar": null,
          "created_at": "[time]",
          "display_name": "김민지",
          "email": "[email]",
          "email_verified": false,
          "id": "[id]",
          "locale": "en",
          "presence_visibility": "friends",
          "read_receipts": true,
          "status_message": "오늘도 화이팅",
          "updated_at": "[time]",
          "username": "[username]"
        }
        "#);
        assert_eq!(minji.api.get("/users/me").await.with(200)["display_name"], "김민지");
        let profile = junho.api.get(&format!("/users/{}", minji.id)).await.with(200);
        assert_snapshot!(shape(&profile), @r#"
        {
          "avatar": null,
          "display_name": "김민지",
          "id": "[id]",
          "is_online": null,
          "last_seen_at": null,
          "status_message": "오늘도 화이팅",
          "username": "[username]"
        }
        "#);
        let search = format!("/users/search?q={}", minji.account["username"].as_str().unwrap());
        let mut found = profile;
        for of_friends in ["is_online", "last_seen_at"] {
            found.as_object_mut().unwrap().remove(of_friends);
        }
        assert_eq!(junho.api.get(&search).await.with(200), json!({"items": [found], "next_cursor": null}));
    });
}

#[test]
fn sessions_of_a_person() {
    journey(async |stack| {
        let minji = stack.register("minji").await;
        assert_snapshot!(shape(&minji.api.get("/auth/sessions").await.with(200)), @r#"
        {
          "items": [
            {
              "created_at": "[time]",
              "id": "[session id]",
              "is_current": true,
              "last_used_at": "[time]",
              "user_agent": null
            }
          ],
          "next_cursor": null
        }
        "#);
    });
}

#[test]
fn a_request_a_friend_and_a_block() {
    journey(async |stack| {
        let (minji, junho) = tokio::join!(stack.register("minji"), stack.register("junho"));
        let asked = minji.api.post("/friends/request", &json!({"user_id": junho.id})).await.with(201);
        assert_snapshot!(shape(&asked), @r#"
        {
          "created_at": "[time]",
          "id": "[id]",
          "status": "pending",
          "updated_at": "[time]",
          "user_id_1": "[user_id_1]",
          "user_id_2": "[user_id_2]"
        }
        "#);
        let requests = junho.api.get("/friends/requests").await.with(200);
        assert_snapshot!(shape(&requests), @r#"
        {
          "items": [
            {
              "id": "[id]",
              "since": "[time]",
              "user": {
                "avatar": null,
                "display_name": null,
                "id": "[id]",
                "status_message": null,
                "username": "[username]"
              }
            }
          ],
          "next_cursor": null
        }
        "#);
        let accept = format!("/friends/{}/accept", asked["id"]);
        assert_snapshot!(shape(&junho.api.call("PUT", &accept, None).await.with(200)), @r#"
        {
          "created_at": "[time]",
          "id": "[id]",
          "status": "accepted",
          "updated_at": "[time]",
          "user_id_1": "[user_id_1]",
          "user_id_2": "[user_id_2]"
        }
        "#);
        assert_snapshot!(shape(&minji.api.get("/friends").await.with(200)), @r#"
        {
          "items": [
            {
              "id": "[id]",
              "is_online": false,
              "last_seen_at": null,
              "since": "[time]",
              "user": {
                "avatar": null,
                "display_name": null,
                "id": "[id]",
                "status_message": null,
                "username": "[username]"
              }
            }
          ],
          "next_cursor": null
        }
        "#);
        assert_snapshot!(shape(&minji.api.post("/blocks", &json!({"user_id": junho.id})).await.with(201)), @r#"
        {
          "created_at": "[time]",
          "user": {
            "avatar": null,
            "display_name": null,
            "id": "[id]",
            "is_available": true,
            "status_message": null,
            "username": "[username]"
          }
        }
        "#);
        assert_snapshot!(shape(&minji.api.get("/blocks").await.with(200)), @r#"
        {
          "items": [
            {
              "created_at": "[time]",
              "user": {
                "avatar": null,
                "display_name": null,
                "id": "[id]",
                "is_available": true,
                "status_message": null,
                "username": "[username]"
              }
            }
          ],
          "next_cursor": null
        }
        "#);
    });
}

#[test]
fn friend_frames() {
    journey(async |stack| {
        let (minji, junho) = tokio::join!(stack.register("minji"), stack.register("junho"));
        let socket = minji.socket().await;
        let friendship = junho.befriend(&minji).await;
        assert_snapshot!(shape(&socket.push().await), @r#"
        {
          "d": {
            "by": "[by]",
            "id": "[id]",
            "since": "[time]",
            "user": {
              "avatar": null,
              "display_name": null,
              "id": "[id]",
              "status_message": null,
              "username": "[username]"
            },
            "user_rev": 2
          },
          "t": "friend.requested"
        }
        "#);
        minji.api.call("PUT", &format!("/friends/{friendship}/accept"), None).await.with(200);
        assert_snapshot!(shape(&socket.push().await), @r#"
        {
          "d": {
            "by": "[by]",
            "id": "[id]",
            "since": "[time]",
            "user": {
              "avatar": null,
              "display_name": null,
              "id": "[id]",
              "status_message": null,
              "username": "[username]"
            },
            "user_rev": 3
          },
          "t": "friend.accepted"
        }
        "#);
        junho.api.delete(&format!("/friends/{friendship}")).await.with(204);
        assert_snapshot!(shape(&socket.push().await), @r#"
        {
          "d": {
            "by": "[by]",
            "id": "[id]",
            "since": "[time]",
            "user": {
              "avatar": null,
              "display_name": null,
              "id": "[id]",
              "status_message": null,
              "username": "[username]"
            },
            "user_rev": 4
          },
          "t": "friend.removed"
        }
        "#);
    });
}

#[test]
fn session_revoked_frame() {
    journey(async |stack| {
        let minji = stack.register("minji").await;
        let socket = minji.socket().await;
        minji.logout().await;
        assert_snapshot!(shape(&socket.push().await), @r#"
        {
          "d": {
            "session": "[session id]"
          },
          "t": "session.revoked"
        }
        "#);
    });
}

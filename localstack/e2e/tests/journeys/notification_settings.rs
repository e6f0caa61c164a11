//! What a phone rings for is its person's choice.

use crate::notifying::{A_WHILE, is_silent, phone, shown};
use e2e::journey;
use serde_json::{Value, json};
use tokio::time::sleep;

/// What rings unless something else is said.
fn settings(quiet: &Value) -> Value {
    json!({
        "level": "all", "large_room_level": "mentions", "preview": "full", "friend_requests": true, "wide": true,
        "paused_until": null, "quiet": quiet,
    })
}

/// Hours that the time of an answer is in the middle of, by the clock in Greenwich.
fn around(moment: &Value) -> Value {
    let hour: u32 = moment
        .as_str()
        .and_then(|text| text.get(11..13))
        .and_then(|hour| hour.parse().ok())
        .unwrap_or_else(|| unreachable!("{moment}"));
    let (from, to) = (format!("{:02}:00", (hour + 23) % 24), format!("{:02}:00", (hour + 2) % 24));
    json!({"from": from, "to": to, "days": [1, 2, 3, 4, 5, 6, 7], "time_zone": "Etc/UTC"})
}

#[test]
fn quiet_hours_silence_the_phone_and_leave_the_message_unread() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let token = phone(&junho).await;
        let quiet = around(&junho.account["created_at"]);
        junho.api.put("/notifications/settings", &settings(&quiet)).await.with(200);
        assert_eq!(junho.api.get("/notifications/settings").await.with(200)["quiet"], quiet);

        minji.say(room, "자고 있어?").await;

        assert!(is_silent(stack, &token).await);
        assert_eq!(junho.api.get("/messages/unread/total").await.with(200)["messages"], 1);
        junho.api.put("/notifications/settings", &settings(&Value::Null)).await.with(200);
        minji.say(room, "일어났어?").await;
        assert_eq!(shown(&stack.pushes(&token, 1).await[0]).1, "일어났어?");
    });
}

#[test]
fn paused_phone_is_silent_and_previews_can_be_hidden() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let token = phone(&junho).await;
        let mut wish = settings(&Value::Null);
        wish["paused_until"] = json!("2999-01-01T00:00:00Z");
        junho.api.put("/notifications/settings", &wish).await.with(200);
        minji.say(room, "비밀 이야기").await;
        assert!(is_silent(stack, &token).await);

        wish["paused_until"] = Value::Null;
        wish["preview"] = json!("none");
        junho.api.put("/notifications/settings", &wish).await.with(200);
        minji.say(room, "비밀 이야기").await;

        let told = stack.pushes(&token, 1).await;
        assert!(!told[0].body.to_string().contains("비밀"), "{told:?}");
    });
}

#[test]
fn room_has_settings_of_its_own_until_they_are_removed() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let (token, path) = (phone(&junho).await, format!("/notifications/rooms/private/{room}"));
        junho.api.put(&path, &json!({"level": "none"})).await.with(200);
        let differing = junho.api.get("/notifications/rooms").await.with(200);
        assert_eq!(
            (&differing["items"][0]["room_id"], &differing["items"][0]["level"]),
            (&json!(room), &json!("none"))
        );

        minji.say(room, "조용히").await;
        assert!(is_silent(stack, &token).await);
        junho.api.delete(&path).await.with(204);
        minji.say(room, "이제 울려").await;

        assert_eq!(shown(&stack.pushes(&token, 1).await[0]).1, "이제 울려");
        assert_eq!(junho.api.get(&path).await.with(200)["level"], Value::Null);
    });
}

#[test]
fn group_at_the_level_of_mentions_rings_for_a_mention() {
    journey(async |stack| {
        let (minji, junho) = tokio::join!(stack.register("minji"), stack.register("junho"));
        minji.make_friends(&junho).await;
        let group = minji.make_group(&json!({"name": "등산 모임", "members": [junho.id]})).await;
        let token = phone(&junho).await;
        let path = format!("/notifications/rooms/group/{group}");
        junho.api.put(&path, &json!({"level": "mentions"})).await.with(200);
        let say = async |text: &str| {
            let body = json!({"room_id": group, "room_type": "group", "content": text});
            minji.api.post("/messages", &body).await.with(201);
        };

        say("그냥 하는 말").await;
        assert!(is_silent(stack, &token).await);
        say("@channel 모두 보세요").await;

        assert!(shown(&stack.pushes(&token, 1).await[0]).1.to_string().contains("모두 보세요"));
        junho.api.put(&path, &json!({"level": "mentions", "wide": false})).await.with(200);
        say("@channel 또 보세요").await;
        sleep(A_WHILE).await;
        assert_eq!(stack.pushes(&token, 1).await.len(), 1);
    });
}

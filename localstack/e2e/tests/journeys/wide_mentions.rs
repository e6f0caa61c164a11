//! `@here` and `@channel` mention everybody of a group.

use e2e::{Person, journey};
use serde_json::{Value, json};

async fn say(person: &Person, group: i64, text: &str) -> e2e::Answer {
    let body = json!({"room_id": group, "room_type": "group", "content": text});
    person.api.post("/messages", &body).await
}

#[test]
fn members_of_a_small_group_share_three_calls_of_the_channel() {
    journey(async |stack| {
        let (minji, junho) = tokio::join!(stack.register("minji"), stack.register("junho"));
        minji.make_friends(&junho).await;
        let group = minji.make_group(&json!({"name": "등산 모임", "members": [junho.id]})).await;
        let socket = minji.socket().await;

        let sent = say(&junho, group, "@channel 모여요").await.with(201);

        assert_eq!(sent["mentions_all"], "channel");
        let pushed = socket.push_where(|frame| frame["d"]["id"] == sent["id"]).await;
        assert_eq!(pushed["d"]["mentions_all"], "channel");
        for text in ["@channel 하나", "@channel 둘"] {
            say(&minji, group, text).await.with(201);
        }
        let limited = say(&junho, group, "@channel 셋").await;
        assert_eq!(limited.with(429)["code"], "rate_limited");
        say(&junho, group, "@here 셋").await.with(201);
    });
}

#[test]
fn only_staff_of_a_large_group_mentions_everybody_by_default() {
    journey(async |stack| {
        let (minji, junho) = tokio::join!(stack.register("minji"), stack.register("junho"));
        let group = minji.make_group(&json!({"name": "큰 모임"})).await;
        let (_, code) = minji.invite_to(group).await;
        let join = format!("/invites/{code}/join");
        junho.api.call("POST", &join, None).await.with(200);
        for _ in 0..19 {
            stack.register("member").await.api.call("POST", &join, None).await.with(200);
        }

        let refused = say(&junho, group, "@here").await.with(403);
        assert_eq!(refused["code"], "wide_mention_forbidden");
        assert_eq!(say(&minji, group, "@here").await.with(201)["mentions_all"], "here");
        let settings = format!("/group-rooms/{group}");
        let group_now: Value = minji.api.put(&settings, &json!({"wide_mentions": "everyone"})).await.with(200);

        assert_eq!(group_now["wide_mentions"], "everyone");
        say(&junho, group, "@here").await.with(201);
    });
}

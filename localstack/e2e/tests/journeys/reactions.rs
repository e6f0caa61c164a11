//! Reactions and pins between two people, over both doors.

use e2e::journey;
use serde_json::{Value, json};

#[test]
fn reaction_reaches_the_other_person_and_the_lists() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let (minjis, junhos) = (minji.socket().await, junho.socket().await);
        let sent = minjis.ask("send", json!({"room": e2e::room_name(room), "client_id": "1", "content": "안녕"})).await;
        let id = sent["d"]["id"].as_str().unwrap();
        junhos.push().await;

        let ack = junhos.ask("react", json!({"id": id, "emoji": "👍"})).await;

        assert_eq!(ack["d"]["message"]["reactions"], json!([{"emoji": "👍", "count": 1, "mine": true}]));
        let pushed = minjis.push().await;
        assert_eq!((&pushed["t"], &pushed["rev"]), (&json!("reaction.changed"), &ack["d"]["rev"]));
        assert_eq!(pushed["d"]["reactions"], json!([{"emoji": "👍", "count": 1}]));
        let url = format!("/messages/{id}/reactions");
        let both = minji.api.put(&url, &json!({"emoji": "👍"})).await.with(200);
        assert_eq!(both["reactions"], json!([{"emoji": "👍", "count": 2, "mine": true}]));
        let left = junho.api.call("DELETE", &format!("{url}?emoji=%F0%9F%91%8D"), None).await.with(200);
        assert_eq!(left["reactions"], json!([{"emoji": "👍", "count": 1, "mine": false}]));
        assert_eq!(junho.list(room).await["items"][0]["reactions"], left["reactions"]);
        let who = junho.api.get(&url).await.with(200);
        assert_eq!((&who["items"][0]["user_id"], &who["next_cursor"]), (&json!(minji.id), &Value::Null));
        let (items, _) = junho.catch_up(room, 0).await;
        assert_eq!(items[0]["reactions"], left["reactions"]);
    });
}

#[test]
fn pinned_message_is_pushed_listed_and_unpinned_by_its_deletion() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let socket = minji.socket().await;
        let sent = junho.say(room, "중요").await;
        socket.push().await;
        let url = format!("/messages/{}", sent["id"].as_str().unwrap());

        let pinned = junho.api.call("PUT", &format!("{url}/pin"), None).await.with(200);

        assert_eq!(pinned["pinned_by"], json!(junho.id));
        let pushed = socket.push().await;
        assert_eq!((&pushed["t"], &pushed["d"]), (&json!("message.updated"), &pinned));
        let pins = format!("/messages/pins?room_id={room}");
        assert_eq!(minji.api.get(&pins).await.with(200), json!({"items": [pinned], "next_cursor": null}));
        let deleted = junho.api.call("DELETE", &url, None).await.with(200);
        assert_eq!(deleted["pinned_at"], Value::Null);
        assert_eq!(minji.api.get(&pins).await.with(200)["items"], json!([]));
    });
}

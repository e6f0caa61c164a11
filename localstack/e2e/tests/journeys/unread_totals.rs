//! What is unread in all, and what an app's icon shows.

use e2e::{Person, journey};
use serde_json::{Value, json};

async fn total(person: &Person) -> Value {
    person.api.get("/messages/unread/total").await.with(200)
}

#[test]
fn total_is_over_all_rooms_and_falls_with_what_is_read() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let suji = stack.register("suji").await;
        let room_of_suji = suji.room_with(&junho).await;
        minji.say(room, "하나").await;
        let newest = minji.say(room, "둘").await;
        suji.say(room_of_suji, "셋").await;
        assert_eq!(total(&junho).await, json!({"messages": 3, "rooms": 2, "mentions": 0, "badge": 3}));
        assert_eq!(total(&minji).await["messages"], 0, "one's own are read");

        let read = json!({"room_id": room, "room_type": "private", "seq": newest["seq"]});
        junho.api.post("/messages/read", &read).await.with(200);

        let left = json!({"messages": 1, "rooms": 1, "mentions": 0, "badge": 1});
        assert_eq!(total(&junho).await, left);
        let (_, ready) = junho.hello(json!({})).await;
        assert_eq!(ready["badge"], 1);
    });
}

#[test]
fn muted_room_is_counted_and_not_at_the_icon() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let path = format!("/notifications/rooms/private/{room}");
        junho.api.put(&path, &json!({"muted_until": "2999-01-01T00:00:00Z"})).await.with(200);
        let name = junho.account["username"].as_str().expect("a name");

        minji.say(room, &format!("@{name} 안녕")).await;

        assert_eq!(total(&junho).await, json!({"messages": 1, "rooms": 1, "mentions": 1, "badge": 0}));
        junho.api.delete(&path).await.with(204);
        assert_eq!(total(&junho).await["badge"], 1);
    });
}

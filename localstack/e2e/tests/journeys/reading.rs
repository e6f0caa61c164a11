//! Read cursors, deletions and quotes of replies.

use e2e::{Person, journey, room_name};
use serde_json::{Value, json};

#[test]
fn a_deleted_message_is_a_tombstone_everywhere() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let sent = minji.say(room, "forget it").await;
        let socket = junho.socket().await;
        let path = format!("/messages/{}", sent["id"].as_str().unwrap());

        let tombstone = minji.api.delete(&path).await.with(200);

        assert_eq!((&tombstone["content"], &tombstone["is_deleted"]), (&json!(""), &json!(true)));
        assert_eq!((&tombstone["id"], &tombstone["seq"]), (&sent["id"], &sent["seq"]));
        assert!(tombstone["rev"].as_i64() > sent["rev"].as_i64());
        let pushed = socket.push().await;
        assert_eq!((&pushed["t"], &pushed["d"]), (&json!("message.deleted"), &tombstone));
        assert_eq!(junho.list(room).await["items"], json!([tombstone]));
        assert_eq!(junho.catch_up(room, sent["rev"].as_i64().unwrap()).await.0, std::slice::from_ref(&tombstone));
        // A repeated read changes nothing and pushes nothing.
        assert_eq!(minji.api.delete(&path).await.with(200), tombstone);
        assert_eq!(socket.pushes().await, Vec::<Value>::new());
        let edited = minji.api.put(&path, &json!({"content": "back"})).await;
        assert_eq!(edited.refusal(), (404, "message_not_found".to_owned()));
    });
}

#[test]
fn read_cursor_moves_forward_and_is_pushed_to_all_devices() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        for text in ["one", "two", "three"] {
            minji.say(room, text).await;
        }
        let (phone, laptop, minjis) = (junho.socket().await, junho.login().await.socket().await, minji.socket().await);
        assert_eq!(unread(&junho).await, json!([[room, 3, 0]]));
        assert_eq!(unread(&minji).await, json!([]));

        let ack = phone.ask("read", json!({"room": room_name(room), "seq": 2})).await;

        assert_eq!(ack["d"], json!({"read_seq": 2, "unread_count": 1}));
        let receipt = json!({
            "t": "receipt.read", "room": room_name(room), "d": {"user_id": junho.id, "read_seq": 2},
        });
        assert_eq!((minjis.push().await, laptop.push().await), (receipt.clone(), receipt));
        assert_eq!(unread(&junho).await, json!([[room, 1, 2]]));

        let back = json!({"room_id": room, "room_type": "private", "seq": 1});
        assert_eq!(junho.api.post("/messages/read", &back).await.with(200), json!({"read_seq": 2, "unread_count": 1}));
        for socket in [phone, laptop, minjis] {
            assert_eq!(socket.pushes().await, Vec::<Value>::new());
        }
    });
}

#[test]
fn deleted_messages_are_not_unread() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let sent = minji.say(room, "forget it").await;
        minji.say(room, "never mind").await;
        assert_eq!(unread(&junho).await, json!([[room, 2, 0]]));

        minji.api.delete(&format!("/messages/{}", sent["id"].as_str().unwrap())).await.with(200);

        assert_eq!(unread(&junho).await, json!([[room, 1, 0]]));
        assert_eq!(junho.api.get("/chat-rooms").await.with(200)["items"][0]["unread_count"], 1);
    });
}

#[test]
fn ready_brings_unread_counts_and_the_user_revision() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let socket = junho.socket().await;
        let ready = socket.ask("hello", json!({"v": 1})).await;
        assert_eq!((&ready["d"]["unread"], &ready["d"]["badge"]), (&json!({}), &json!(0)));
        minji.say(room, "hello").await;
        minji.befriend(&junho).await;

        let later = socket.ask("hello", json!({"v": 1})).await;

        assert_eq!((&later["d"]["unread"], &later["d"]["badge"]), (&json!({room_name(room): 1}), &json!(1)));
        assert!(later["d"]["user_rev"].as_i64() > ready["d"]["user_rev"].as_i64());
    });
}

#[test]
fn reply_quotes_its_message_until_that_is_deleted() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let question = minji.say(room, "어디야?").await;
        let socket = minji.socket().await;
        let reply = json!({"room_id": room, "room_type": "private", "content": "집", "reply_to": question["id"]});
        let answered = junho.api.post("/messages", &reply).await.with(201);
        let quote = |content: &str, is_deleted: bool| {
            let user_id = minji.id;
            json!({"user_id": user_id, "message_type": "text", "content": content, "attachment": null, "is_deleted": is_deleted})
        };
        let shown = quote("어디야?", false);
        assert_eq!(answered["quote"], shown);
        assert_eq!(socket.push().await["d"], answered);
        assert_eq!(quotes(&minji, room).await, [shown.clone(), shown.clone(), shown]);

        minji.api.delete(&format!("/messages/{}", question["id"].as_str().unwrap())).await.with(200);

        let gone = quote("", true);
        assert_eq!(quotes(&minji, room).await, [gone.clone(), gone.clone(), gone]);
    });
}

/// The quote of a reply in the list, by sync and in the room list.
async fn quotes(person: &Person, room: i64) -> [Value; 3] {
    let reply =
        |items: &[Value]| items.iter().find(|item| item["reply_to"].is_string()).map(|item| item["quote"].clone());
    let list = person.list(room).await["items"].as_array().cloned().unwrap_or_default();
    let (changes, _) = person.catch_up(room, 0).await;
    let rooms = person.api.get("/chat-rooms").await.with(200);
    let newest = rooms["items"][0]["last_message"]["quote"].clone();
    [reply(&list).unwrap_or_default(), reply(&changes).unwrap_or_default(), newest]
}

#[test]
fn rooms_are_listed_by_their_newest_activity() {
    journey(async |stack| {
        let (minji, junho, suho) =
            tokio::join!(stack.register("minji"), stack.register("junho"), stack.register("suho"));
        let (first, second) = (minji.room_with(&junho).await, minji.room_with(&suho).await);
        junho.say(first, "one").await;
        suho.say(second, "two").await;
        assert_eq!(rooms(&minji).await, [second, first]);

        let newest = minji.say(first, "three").await;

        assert_eq!(rooms(&minji).await, [first, second]);
        let page = minji.api.get("/chat-rooms?limit=1").await.with(200);
        assert_eq!(page["items"][0]["last_message"], newest);
        let cursor = page["next_cursor"].as_str().unwrap();
        let rest = minji.api.get(&format!("/chat-rooms?limit=1&cursor={cursor}")).await.with(200);
        assert_eq!((&rest["items"][0]["id"], &rest["next_cursor"]), (&json!(second), &Value::Null));
        assert_eq!(rest["items"][0]["unread_count"], 1);
    });
}

async fn rooms(person: &Person) -> Vec<i64> {
    let rooms = person.api.get("/chat-rooms").await.with(200);
    rooms["items"].as_array().into_iter().flatten().map(|room| room["id"].as_i64().unwrap_or_default()).collect()
}

/// Id, unread count and read cursor of each room with unread messages.
async fn unread(person: &Person) -> Value {
    let unread = person.api.get("/messages/unread").await.with(200);
    let items = unread["items"].as_array().into_iter().flatten();
    items.map(|room| json!([room["room_id"], room["unread_count"], room["read_seq"]])).collect()
}

use crate::rooms::Rooms;
use domain::{Limit, RoomKey, UserId};
use serde_json::{Value, json};
use testkit::Door;

/// Rooms of one person with some others, in the order in which they were made.
async fn rooms(chats: &Rooms, number: usize) -> (UserId, Vec<(UserId, RoomKey)>) {
    let caller = chats.join("caller").await;
    let mut rooms = Vec::new();
    for n in 0..number {
        let other = chats.join(&format!("person{n}")).await;
        rooms.push((other, chats.room_of(caller, other).await));
    }
    (caller, rooms)
}

fn ids(page: &Value) -> Vec<Value> {
    page["items"].as_array().unwrap().iter().map(|room| room["id"].clone()).collect()
}

#[tokio::test]
async fn listed_room_equals_single_room() {
    let chats = Rooms::new().await;
    let (caller, rooms) = rooms(&chats, 1).await;
    let (other, room) = rooms[0];
    let question = chats.say(room, caller, "어디?", None).await;
    chats.say(room, other, "집", Some(question)).await;
    let (_, by_itself) = chats.get(caller, room.id).await;

    let listed = chats.list(caller, "").await;

    assert_eq!(listed, (200, json!({"items": [by_itself], "next_cursor": null})));
}

#[tokio::test]
async fn rooms_are_listed_by_newest_activity() {
    let chats = Rooms::new().await;
    let (caller, rooms) = rooms(&chats, 3).await;
    for n in [1, 0, 2] {
        chats.say(rooms[n].1, rooms[n].0, "안녕", None).await;
        // The store's clock tells milliseconds apart.
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }

    let (_, page) = chats.list(caller, "").await;

    assert_eq!(json!(ids(&page)), json!([rooms[2].1.id, rooms[0].1.id, rooms[1].1.id]));
}

#[tokio::test]
async fn each_room_has_its_own_last_message_and_unread_count() {
    let chats = Rooms::new().await;
    let (caller, rooms) = rooms(&chats, 2).await;
    for (n, (other, room)) in rooms.iter().enumerate() {
        chats.say(*room, caller, "own", None).await;
        for _ in 0..=n {
            chats.say(*room, *other, &format!("from {n}"), None).await;
        }
    }

    let (_, page) = chats.list(caller, "").await;

    let shown = |n: usize| (&page["items"][n]["last_message"]["content"], &page["items"][n]["unread_count"]);
    assert_eq!([shown(0), shown(1)], [(&json!("from 1"), &json!(2)), (&json!("from 0"), &json!(1))]);
}

#[tokio::test]
async fn only_participants_list_a_room() {
    let chats = Rooms::new().await;
    let (a, b, stranger) = (chats.join("aa").await, chats.join("bb").await, chats.join("cc").await);
    let room = chats.room_of(a, b).await;

    for (person, expected) in [(a, json!([room.id])), (b, json!([room.id])), (stranger, json!([]))] {
        let (_, page) = chats.list(person, "").await;
        assert_eq!(json!(ids(&page)), expected, "{person}");
    }
}

#[tokio::test]
async fn pages_cover_the_whole_list() {
    let chats = Rooms::new().await;
    let (caller, rooms) = rooms(&chats, 8).await;
    for n in [3, 5] {
        chats.say(rooms[n].1, rooms[n].0, "안녕", None).await;
    }
    let (_, whole) = chats.list(caller, "").await;

    let (mut pages, mut query) = (Vec::new(), "?limit=3".to_owned());
    loop {
        let (_, page) = chats.list(caller, &query).await;
        pages.extend(page["items"].as_array().unwrap().clone());
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        query = format!("?limit=3&cursor={cursor}");
    }

    assert_eq!((pages.len(), json!(pages)), (8, whole["items"].clone()));
}

#[tokio::test]
async fn blocked_user_sees_deleted_peer_in_list() {
    let chats = Rooms::new().await;
    let (caller, rooms) = rooms(&chats, 1).await;
    let (other, room) = rooms[0];
    chats.say(room, other, "안녕", None).await;
    chats.block(other, caller).await;

    let (_, page) = chats.list(caller, "").await;

    let listed = &page["items"][0];
    let deleted = json!({"id": other, "username": null, "display_name": null, "status_message": null, "avatar": null, "is_available": false});
    assert_eq!((&listed["participants"][1], &listed["last_message"]["content"]), (&deleted, &json!("안녕")));
}

#[tokio::test]
async fn bad_queries_are_named() {
    let chats = Rooms::new().await;
    let caller = chats.join("caller").await;

    for (query, field) in [
        ("?limit=0", "limit"),
        ("?limit=101", "limit"),
        ("?cursor=x", "cursor"),
        ("?cursor=Nw", "cursor"),
        ("?scope=mine", "$"),
    ] {
        let (status, problem) = chats.list(caller, query).await;
        assert_eq!((status, &problem["errors"][0]["field"]), (422, &json!(field)), "{query}");
    }
}

#[tokio::test]
async fn list_over_the_limit_reads_no_rooms() {
    let door = Door::new(chat_rooms::routes).await;
    let caller = door.join("caller").await;
    let strict = door.with(|backend| backend.limits.reads = Limit { burst: 1, per_minute: 1 });
    assert_eq!(strict.get(caller, "/chat-rooms").await.status, 200);
    let mut profile = strict.profile().await;

    let answer = strict.get(caller, "/chat-rooms").await;

    assert_eq!((answer.status, profile.count().await), (429, 1), "the gate alone");
}

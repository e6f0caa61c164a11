use crate::rooms::Rooms;
use serde_json::{Value, json};

/// A problem but for the id of its request.
fn told((status, mut problem): (u16, Value)) -> (u16, Value) {
    problem["request_id"].take();
    (status, problem)
}

#[tokio::test]
async fn participants_see_their_room() {
    let chats = Rooms::new().await;
    let (a, b) = (chats.join("aa").await, chats.join("bb").await);
    let (_, room) = chats.open(a, b).await;

    for person in [a, b] {
        assert_eq!(chats.get(person, &room["id"]).await, (200, room.clone()));
    }
}

#[tokio::test]
async fn stranger_gets_the_answer_of_an_unknown_room() {
    let chats = Rooms::new().await;
    let (a, b, stranger) = (chats.join("aa").await, chats.join("bb").await, chats.join("cc").await);
    let (_, room) = chats.open(a, b).await;

    let hidden = told(chats.get(stranger, &room["id"]).await);

    assert_eq!((hidden.0, &hidden.1["code"]), (404, &json!("room_not_found")));
    for nothing in ["999999", "0", "01", "x", "99999999999", "-1"] {
        assert_eq!(told(chats.get(stranger, nothing).await), hidden, "{nothing}");
    }
}

#[tokio::test]
async fn room_shows_last_message_and_unread_count() {
    let chats = Rooms::new().await;
    let (a, b) = (chats.join("aa").await, chats.join("bb").await);
    let room = chats.room_of(a, b).await;
    let question = chats.say(room, a, "어디?", None).await;
    let answer = chats.say(room, b, "집", Some(question)).await;

    let (_, shown) = chats.get(a, room.id).await;

    let last = &shown["last_message"];
    assert_eq!((&last["id"], &last["seq"], &last["user_id"]), (&json!(answer), &json!(2), &json!(b)));
    let quote = &last["quote"];
    assert_eq!(
        (&quote["user_id"], &quote["content"], &quote["is_deleted"]),
        (&json!(a), &json!("어디?"), &json!(false))
    );
    assert_eq!(shown["unread_count"], 1);
}

#[tokio::test]
async fn blocked_user_sees_deleted_peer_and_can_still_read() {
    let chats = Rooms::new().await;
    let (a, b) = (chats.join("aa").await, chats.join("bb").await);
    let room = chats.room_of(a, b).await;
    chats.say(room, b, "안녕", None).await;
    chats.block(b, a).await;

    let (status, shown) = chats.get(a, room.id).await;

    assert_eq!((status, &shown["last_message"]["content"]), (200, &json!("안녕")));
    let deleted = json!({"id": b, "username": null, "display_name": null, "status_message": null, "avatar": null, "is_available": false});
    assert_eq!((&shown["participants"][0]["username"], &shown["participants"][1]), (&json!("aa"), &deleted));
}

#[tokio::test]
async fn blocker_still_sees_blocked_user() {
    let chats = Rooms::new().await;
    let (a, b) = (chats.join("aa").await, chats.join("bb").await);
    let room = chats.room_of(a, b).await;
    chats.block(a, b).await;

    let (_, shown) = chats.get(a, room.id).await;

    assert_eq!(
        (&shown["participants"][1]["username"], &shown["participants"][1]["is_available"]),
        (&json!("bb"), &json!(true))
    );
}

#[tokio::test]
async fn deleted_account_looks_like_a_blocker() {
    let chats = Rooms::new().await;
    let (a, b, c) = (chats.join("aa").await, chats.join("bb").await, chats.join("cc").await);
    let (gone, blocker) = (chats.room_of(a, b).await, chats.room_of(a, c).await);
    chats.deactivate(b).await;
    chats.block(c, a).await;

    let other = async |room: domain::RoomKey| chats.get(a, room.id).await.1["participants"][1].clone();
    let (mut gone, mut blocker) = (other(gone).await, other(blocker).await);

    assert_eq!((gone["id"].take(), blocker["id"].take()), (json!(b), json!(c)));
    assert_eq!(gone, blocker);
}

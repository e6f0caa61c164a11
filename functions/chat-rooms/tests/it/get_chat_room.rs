use crate::house::House;
use axum::http::StatusCode;
use serde_json::{Value, json};

/// A problem but for the id of its request.
fn told((status, mut problem): (StatusCode, Value)) -> (StatusCode, Value) {
    problem["request_id"].take();
    (status, problem)
}

#[tokio::test]
async fn participants_see_their_room() {
    let house = House::new().await;
    let (a, b) = (house.join("aa").await, house.join("bb").await);
    let (_, room) = house.open(a, b).await;

    for person in [a, b] {
        assert_eq!(house.get(person, &room["id"]).await, (StatusCode::OK, room.clone()));
    }
}

#[tokio::test]
async fn a_stranger_learns_as_much_of_a_room_as_of_none() {
    let house = House::new().await;
    let (a, b, stranger) = (house.join("aa").await, house.join("bb").await, house.join("cc").await);
    let (_, room) = house.open(a, b).await;

    let hidden = told(house.get(stranger, &room["id"]).await);

    assert_eq!((hidden.0, &hidden.1["code"]), (StatusCode::NOT_FOUND, &json!("room_not_found")));
    for nothing in ["999999", "0", "01", "x", "99999999999", "-1"] {
        assert_eq!(told(house.get(stranger, nothing).await), hidden, "{nothing}");
    }
}

#[tokio::test]
async fn a_room_shows_its_last_message_and_what_is_unread() {
    let house = House::new().await;
    let (a, b) = (house.join("aa").await, house.join("bb").await);
    let room = house.room_of(a, b).await;
    let question = house.say(room, a, "어디?", None).await;
    let answer = house.say(room, b, "집", Some(question)).await;

    let (_, shown) = house.get(a, room.id).await;

    let last = &shown["last_message"];
    assert_eq!((&last["id"], &last["seq"], &last["user_id"]), (&json!(answer), &json!(2), &json!(b)));
    assert_eq!(last["quote"], json!({"user_id": a, "content": "어디?", "is_deleted": false}));
    assert_eq!(shown["unread_count"], 1);
}

#[tokio::test]
async fn to_whoever_is_blocked_the_other_one_looks_deleted_and_the_room_is_open_to_reading() {
    let house = House::new().await;
    let (a, b) = (house.join("aa").await, house.join("bb").await);
    let room = house.room_of(a, b).await;
    house.say(room, b, "안녕", None).await;
    house.block(b, a).await;

    let (status, shown) = house.get(a, room.id).await;

    assert_eq!((status, &shown["last_message"]["content"]), (StatusCode::OK, &json!("안녕")));
    let deleted =
        json!({"id": b, "username": null, "display_name": null, "status_message": null, "is_available": false});
    assert_eq!((&shown["participants"][0]["username"], &shown["participants"][1]), (&json!("aa"), &deleted));
}

#[tokio::test]
async fn whoever_blocks_sees_whom_they_blocked() {
    let house = House::new().await;
    let (a, b) = (house.join("aa").await, house.join("bb").await);
    let room = house.room_of(a, b).await;
    house.block(a, b).await;

    let (_, shown) = house.get(a, room.id).await;

    assert_eq!(
        (&shown["participants"][1]["username"], &shown["participants"][1]["is_available"]),
        (&json!("bb"), &json!(true))
    );
}

#[tokio::test]
async fn an_account_that_is_gone_looks_like_a_blocker() {
    let house = House::new().await;
    let (a, b, c) = (house.join("aa").await, house.join("bb").await, house.join("cc").await);
    let (gone, blocker) = (house.room_of(a, b).await, house.room_of(a, c).await);
    house.deactivate(b).await;
    house.block(c, a).await;

    let other = async |room: domain::RoomKey| house.get(a, room.id).await.1["participants"][1].clone();
    let (mut gone, mut blocker) = (other(gone).await, other(blocker).await);

    assert_eq!((gone["id"].take(), blocker["id"].take()), (json!(b), json!(c)));
    assert_eq!(gone, blocker);
}

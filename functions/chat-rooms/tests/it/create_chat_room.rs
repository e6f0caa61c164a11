use crate::house::House;
use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use domain::{RoomId, RoomKey, UserId};
use serde_json::json;
use std::{collections::HashSet, sync::Arc};

#[tokio::test]
async fn a_new_room_shows_both_people_and_is_known_to_mongodb() {
    let house = House::new().await;
    let (a, b) = (house.join("aa").await, house.join("bb").await);

    let (status, room) = house.open(b, a).await;

    assert_eq!(status, StatusCode::CREATED);
    let id = room["id"].as_i64().unwrap();
    assert_eq!(
        room,
        json!({
            "id": id,
            "room_type": "private",
            "participants": [
                {"id": a.0, "username": "aa", "display_name": "AA", "status_message": null, "is_available": true},
                {"id": b.0, "username": "bb", "display_name": "BB", "status_message": null, "is_available": true},
            ],
            "last_message": null,
            "unread_count": 0,
            "created_at": "2026-09-21T14:13:20.000Z",
            "updated_at": "2026-09-21T14:13:20.000Z",
        })
    );
    let key = RoomKey::private(RoomId(i32::try_from(id).unwrap()));
    let access = house.mongo.mongo.find_access(key).await.unwrap().unwrap();
    assert!(access.admit(a).is_ok() && access.admit(b).is_ok());
}

#[tokio::test]
async fn the_room_that_two_have_is_found_from_both_sides() {
    let house = House::new().await;
    let (a, b) = (house.join("aa").await, house.join("bb").await);
    let (_, room) = house.open(a, b).await;

    assert_eq!(house.open(a, b).await, (StatusCode::OK, room.clone()));
    assert_eq!(house.open(b, a).await, (StatusCode::OK, room));
}

#[tokio::test]
async fn thirty_two_openings_at_once_from_both_sides_are_one_room() {
    let house = Arc::new(House::new().await);
    let (a, b) = (house.join("aa").await, house.join("bb").await);
    let pairs = (0..32).map(|n| if n % 2 == 0 { (a, b) } else { (b, a) }).collect();

    let (mut ids, mut new) = (HashSet::new(), 0);
    for (status, room) in house.open_at_once(pairs).await {
        assert!(status.is_success(), "{status} {room}");
        new += i32::from(status == StatusCode::CREATED);
        ids.insert(room["id"].as_i64().unwrap());
    }

    assert_eq!(ids.len(), 1);
    assert!(new <= 1, "{new} were told that they made it");
    house.open(a, b).await;
    assert_eq!(house.mysql.mysql.outbox().count().await.unwrap(), 0);
}

#[tokio::test]
async fn rooms_of_one_person_opened_at_once_are_all_there() {
    let house = Arc::new(House::new().await);
    let mut people = Vec::new();
    for n in 0..8 {
        people.push(house.join(&format!("person{n}")).await);
    }
    let pairs = people.iter().flat_map(|a| people.iter().map(|b| (*a, *b))).filter(|(a, b)| a != b).collect();

    let mut ids = HashSet::new();
    for (status, room) in house.open_at_once(pairs).await {
        assert!(status.is_success(), "{status} {room}");
        ids.insert(room["id"].as_i64().unwrap());
    }

    assert_eq!(ids.len(), 28);
}

#[tokio::test]
async fn nobody_talks_to_themselves() {
    let house = House::new().await;
    let a = house.join("aa").await;

    let (status, problem) = house.open(a, a).await;

    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(problem["errors"][0]["field"], "participant_id");
}

#[tokio::test]
async fn who_is_not_there_is_not_found() {
    let house = House::new().await;
    let a = house.join("aa").await;

    for other in [a.0 + 1, 0, -1, i32::MAX] {
        let (status, problem) = house.open(a, UserId(other)).await;
        assert_eq!((status, &problem["code"]), (StatusCode::NOT_FOUND, &json!("user_not_found")), "{other}");
    }
}

#[tokio::test]
async fn a_body_of_another_shape_is_refused() {
    let house = House::new().await;
    let a = house.join("aa").await;

    for (body, status, code) in [
        (r#"{"participant_id":"2"}"#, 422, "invalid_fields"),
        (r#"{"participant_id":2,"room_type":"private"}"#, 422, "invalid_fields"),
        ("{}", 422, "invalid_fields"),
        ("{", 400, "malformed_body"),
    ] {
        let (answered, problem) = house.create(a, body).await;
        assert_eq!((answered.as_u16(), problem["code"].as_str()), (status, Some(code)), "{body}");
    }
}

#[tokio::test]
async fn without_a_token_every_route_is_closed() {
    let house = House::new().await;

    for request in [Request::post("/chat-rooms"), Request::get("/chat-rooms"), Request::get("/chat-rooms/1")] {
        let (status, problem) = house.anonymous(request.body(Body::from("{}")).unwrap()).await;
        assert_eq!((status, &problem["code"]), (StatusCode::UNAUTHORIZED, &json!("unauthenticated")));
    }
}

#[tokio::test]
async fn to_whoever_is_blocked_the_blocker_is_nobody() {
    let house = House::new().await;
    let (a, b) = (house.join("aa").await, house.join("bb").await);
    house.block(b, a).await;

    assert_eq!(house.open(a, b).await, house.open(a, UserId(999_999)).await);
}

#[tokio::test]
async fn whoever_blocked_someone_unblocks_before_they_open_a_room() {
    let house = House::new().await;
    let (a, b) = (house.join("aa").await, house.join("bb").await);
    house.block(a, b).await;

    let (status, problem) = house.open(a, b).await;

    assert_eq!((status, &problem["code"]), (StatusCode::CONFLICT, &json!("user_blocked")));
}

#[tokio::test]
async fn a_room_that_is_found_shows_what_happened_in_it() {
    let house = House::new().await;
    let (a, b) = (house.join("aa").await, house.join("bb").await);
    let room = house.room_of(a, b).await;
    house.say(room, b, "안녕", None).await;

    let (status, found) = house.open(a, b).await;

    assert_eq!(
        (status, &found["last_message"]["content"], &found["unread_count"]),
        (StatusCode::OK, &json!("안녕"), &json!(1))
    );
}

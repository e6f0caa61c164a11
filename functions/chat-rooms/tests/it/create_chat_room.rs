use crate::rooms::Rooms;
use axum::{
    body::Body,
    http::{Method, Request},
};
use domain::{Aggregate, Fault, FriendshipStatus, Limit, RoomId, RoomKey, SessionId, UserId};
use mysql::Tx;
use serde_json::json;
use std::{collections::HashSet, time::Duration};
use testkit::NOON;

#[tokio::test]
async fn new_room_shows_both_users_and_is_projected() {
    let chats = Rooms::new().await;
    let (a, b) = (chats.join("aa").await, chats.join("bb").await);

    let (status, room) = chats.open(b, a).await;

    assert_eq!(status, 201);
    let id = room["id"].as_i64().unwrap();
    assert_eq!(
        room,
        json!({
            "id": id,
            "room_type": "private",
            "participants": [
                {"id": a.0, "username": "aa", "display_name": "AA", "status_message": null, "avatar": null, "is_available": true},
                {"id": b.0, "username": "bb", "display_name": "BB", "status_message": null, "avatar": null, "is_available": true},
            ],
            "last_message": null,
            "unread_count": 0,
            "created_at": NOON,
            "updated_at": NOON,
        })
    );
    let key = RoomKey::private(RoomId(i32::try_from(id).unwrap()));
    assert!(chats.rights(key, a).await.is_some() && chats.rights(key, b).await.is_some());
}

#[tokio::test]
async fn existing_room_is_found_from_both_sides() {
    let chats = Rooms::new().await;
    let (a, b) = (chats.join("aa").await, chats.join("bb").await);
    let (_, room) = chats.open(a, b).await;

    assert_eq!(chats.open(a, b).await, (200, room.clone()));
    assert_eq!(chats.open(b, a).await, (200, room));
}

#[tokio::test]
async fn concurrent_openings_make_one_room() {
    let chats = Rooms::new().await;
    let (a, b) = (chats.join("aa").await, chats.join("bb").await);
    let pairs = (0..32).map(|n| if n % 2 == 0 { (a, b) } else { (b, a) }).collect();

    let (mut ids, mut new) = (HashSet::new(), 0);
    for (status, room) in chats.open_at_once(pairs).await {
        assert!(status < 300, "{status} {room}");
        new += i32::from(status == 201);
        ids.insert(room["id"].as_i64().unwrap());
    }

    assert_eq!(ids.len(), 1);
    assert!(new <= 1, "{new} were told that they made it");
    chats.open(a, b).await;
    assert_eq!(chats.mysql().outbox().count().await.unwrap(), 0);
}

#[tokio::test]
async fn concurrent_openings_with_many_users_all_succeed() {
    let chats = Rooms::new().await;
    let mut people = Vec::new();
    for n in 0..8 {
        people.push(chats.join(&format!("person{n}")).await);
    }
    let pairs = people.iter().flat_map(|a| people.iter().map(|b| (*a, *b))).filter(|(a, b)| a != b).collect();

    let mut ids = HashSet::new();
    for (status, room) in chats.open_at_once(pairs).await {
        assert!(status < 300, "{status} {room}");
        ids.insert(room["id"].as_i64().unwrap());
    }

    assert_eq!(ids.len(), 28);
}

#[tokio::test]
async fn room_with_oneself_is_refused() {
    let chats = Rooms::new().await;
    let a = chats.join("aa").await;

    let (status, problem) = chats.open(a, a).await;

    assert_eq!(status, 422);
    assert_eq!(problem["errors"][0]["field"], "participant_id");
}

#[tokio::test]
async fn unknown_participant_answers_404() {
    let chats = Rooms::new().await;
    let a = chats.join("aa").await;

    for other in [a.0 + 1, 0, -1, i32::MAX] {
        let (status, problem) = chats.open(a, UserId(other)).await;
        assert_eq!((status, &problem["code"]), (404, &json!("user_not_found")), "{other}");
    }
}

#[tokio::test]
async fn malformed_bodies_are_refused() {
    let chats = Rooms::new().await;
    let a = chats.join("aa").await;

    for (body, status, code) in [
        (r#"{"participant_id":"2"}"#, 422, "invalid_fields"),
        (r#"{"participant_id":2,"room_type":"private"}"#, 422, "invalid_fields"),
        ("{}", 422, "invalid_fields"),
        ("{", 400, "malformed_body"),
    ] {
        let token = chats.tokens().issue(a, &SessionId::from_bytes([1; 16]), NOON).unwrap();
        let request = Request::post("/chat-rooms").header("content-type", "application/json");
        let request = request.header("authorization", format!("Bearer {token}"));
        let answer = chats.send(request.body(Body::from(body)).unwrap()).await;
        assert_eq!(answer.refusal(), (status, code.to_owned()), "{body}");
    }
}

#[tokio::test]
async fn every_route_needs_a_token() {
    let chats = Rooms::new().await;

    for request in [Request::post("/chat-rooms"), Request::get("/chat-rooms"), Request::get("/chat-rooms/1")] {
        let answer = chats.send(request.body(Body::from("{}")).unwrap()).await;
        assert_eq!(answer.refusal(), (401, "unauthenticated".to_owned()));
    }
}

#[tokio::test]
async fn blocker_answers_like_unknown_user() {
    let chats = Rooms::new().await;
    let (a, b) = (chats.join("aa").await, chats.join("bb").await);
    chats.block(b, a).await;

    assert_eq!(chats.open(a, b).await, chats.open(a, UserId(999_999)).await);
}

#[tokio::test]
async fn blocker_must_unblock_before_opening_room() {
    let chats = Rooms::new().await;
    let (a, b) = (chats.join("aa").await, chats.join("bb").await);
    chats.block(a, b).await;

    let (status, problem) = chats.open(a, b).await;

    assert_eq!((status, &problem["code"]), (409, &json!("user_blocked")));
}

#[tokio::test]
async fn found_room_shows_last_message_and_unread_count() {
    let chats = Rooms::new().await;
    let (a, b) = (chats.join("aa").await, chats.join("bb").await);
    let room = chats.room_of(a, b).await;
    chats.say(room, b, "안녕", None).await;

    let (status, found) = chats.open(a, b).await;

    assert_eq!((status, &found["last_message"]["content"], &found["unread_count"]), (200, &json!("안녕"), &json!(1)));
}

#[tokio::test]
async fn refused_and_repeated_openings_wait_for_nobody() {
    let chats = Rooms::new().await;
    let (a, b, blocker) = (chats.join("aa").await, chats.join("bb").await, chats.join("blocker").await);
    let (_, room) = chats.open(a, b).await;
    chats.block(blocker, a).await;
    let _held = chats.hold(&[a, b, blocker]).await;

    assert_eq!(chats.open(b, a).await, (200, room));
    for other in [blocker, UserId(999_999)] {
        assert_eq!(chats.open(a, other).await.1["code"], json!("user_not_found"), "{other}");
    }
    assert_eq!(chats.open(blocker, a).await.1["code"], json!("user_blocked"));
}

#[tokio::test]
async fn rooms_with_strangers_are_limited_and_rooms_with_friends_are_not() {
    let chats = Rooms::new().await;
    let door = chats.with(|backend| backend.limits.new_rooms = Limit { burst: 2, per_minute: 1 });
    let mut people = Vec::new();
    for n in 0..4 {
        people.push(chats.join(&format!("person{n}")).await);
    }
    let (caller, friend) = (people[0], chats.join("friend").await);
    let asked = chats.mysql().friendships().insert(friend, caller, NOON).await.unwrap();
    chats.mysql().friendships().update(&asked.changed_to(FriendshipStatus::Accepted, caller, NOON)).await.unwrap();
    let open =
        async |other: UserId| door.call(caller, Method::POST, "/chat-rooms", &json!({ "participant_id": other })).await;
    for other in &people[1..3] {
        assert_eq!(open(*other).await.status, 201);
    }

    let refused = open(people[3]).await;

    assert_eq!(refused.refusal(), (429, "rate_limited".to_owned()));
    assert!((1..=3_600).contains(&refused.retry_after()), "one an hour");
    assert!(refused.retry_after() > 3_500, "{}", refused.retry_after());
    assert_eq!(open(friend).await.status, 201);
    assert_eq!(open(people[1]).await.status, 200, "a room that is there costs nothing");
}

#[tokio::test]
async fn room_whose_projection_was_lost_is_projected_when_found() {
    let chats = Rooms::new().await;
    let (a, b) = (chats.join("aa").await, chats.join("bb").await);
    let room = chats.mysql().transact([a, b], commit_room).await.unwrap();

    let (status, found) = chats.open(a, b).await;

    assert_eq!((status, &found["id"]), (200, &json!(room)));
    assert!(chats.rights(RoomKey::private(room), a).await.is_some());
}

/// A room whose request ended between its commit and its projection.
async fn commit_room(tx: &mut Tx, pair: [UserId; 2]) -> Result<RoomId, Fault> {
    let room = tx.private_rooms().insert(pair, NOON).await?;
    tx.outbox().insert(&[Aggregate::PrivateRoom(room)], NOON).await?;
    Ok(room)
}

#[tokio::test]
async fn user_without_rights_on_the_schema_can_open_rooms() {
    let chats = Rooms::new().await;
    let (a, b) = (chats.join("aa").await, chats.join("bb").await);
    let mysql = chats.mysql_as("chat_app").await;
    let door = chats.with(|backend| backend.projector.mysql = mysql);

    let answer = door.call(a, Method::POST, "/chat-rooms", &json!({ "participant_id": b })).await;

    assert_eq!(answer.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_writes_in_a_room_that_was_opened_while_an_account_was_deleted() {
    let chats = Rooms::new().await;
    let minji = chats.join("minji").await;
    chats.log_in(minji).await;
    let mut pairs = Vec::new();
    for n in 0..20 {
        pairs.push((chats.join(&format!("other{n}")).await, minji));
    }

    let (answers, deleted) = tokio::join!(chats.open_at_once(pairs.clone()), chats.delete_account(minji));

    deleted.unwrap();
    assert!(answers.iter().all(|(status, _)| [201, 404].contains(status)), "{answers:?}");
    chats.projector().relay(NOON.plus(Duration::from_secs(9))).await.unwrap();
    for (other, _) in pairs {
        if let Some(room) = chats.mysql().private_rooms().find_by_pair([other, minji]).await.unwrap() {
            assert!(chats.rights(RoomKey::private(room), other).await.unwrap().blocked);
        }
        assert_eq!(chats.open(other, minji).await.0, 404);
    }
}

use crate::groups::{Groups, refusal};
use axum::http::Method;
use domain::{RoomId, UserId};
use serde_json::{Value, json};

/// Every route of a group with an id, but for showing and joining it.
fn routes(room: impl std::fmt::Display, user: UserId) -> Vec<(Method, String, Value)> {
    let (path, them, null) = (format!("/group-rooms/{room}"), json!({"user_id": user}), Value::Null);
    vec![
        (Method::PUT, path.clone(), json!({"name": "다른 이름"})),
        (Method::DELETE, path.clone(), null.clone()),
        (Method::POST, format!("{path}/leave"), null.clone()),
        (Method::POST, format!("{path}/transfer"), them.clone()),
        (Method::GET, format!("{path}/members"), null.clone()),
        (Method::GET, format!("{path}/members?q=a"), null.clone()),
        (Method::POST, format!("{path}/members"), them),
        (Method::PUT, format!("{path}/members/{user}"), json!({"role": "admin"})),
        (Method::DELETE, format!("{path}/members/{user}"), null.clone()),
        (Method::GET, format!("{path}/bans"), null.clone()),
        (Method::PUT, format!("{path}/bans/{user}"), null.clone()),
        (Method::DELETE, format!("{path}/bans/{user}"), null.clone()),
        (Method::GET, format!("{path}/invites"), null.clone()),
        (Method::POST, format!("{path}/invites"), json!({})),
        (Method::DELETE, format!("{path}/invites/1"), null),
    ]
}

#[tokio::test]
async fn private_group_answers_others_like_an_unknown_one() {
    let groups = Groups::new().await;
    let [owner, kicked, banned] = groups.friends().await;
    let stranger = groups.join("stranger").await;
    let room = groups.private(owner, &[kicked, banned]).await;
    groups.kick(owner, room, kicked).await;
    groups.ban(owner, room, banned).await;
    let seen = |room: RoomId| {
        let path = format!("/group-rooms/{room}");
        let mut all = routes(room, owner);
        all.push((Method::GET, path.clone(), Value::Null));
        all.push((Method::POST, format!("{path}/join"), Value::Null));
        all
    };

    for user in [stranger, kicked, banned] {
        for ((method, path, body), (_, nowhere, _)) in seen(room).into_iter().zip(seen(RoomId(999_999))) {
            let answer = groups.call(user, method.clone(), &path, &body).await;
            assert_eq!(answer.refusal(), refusal(404, "room_not_found"), "{user}: {method} {path}");
            assert_eq!(answer.text, groups.call(user, method, nowhere, &body).await.text, "{user}: {path}");
        }
    }
}

#[tokio::test]
async fn public_group_shows_itself_and_nothing_of_its_members() {
    let groups = Groups::new().await;
    let [owner, member] = groups.friends().await;
    let stranger = groups.join("stranger").await;
    let room = groups.public(owner, &[member]).await;

    let shown = groups.show(stranger, room).await;

    assert_eq!(
        (&shown["member_count"], &shown["my_role"], &shown["last_message"]),
        (&json!(2), &json!(null), &json!(null))
    );
    for (method, path, body) in routes(room, owner) {
        let answer = groups.call(stranger, method.clone(), &path, &body).await;
        assert_eq!(answer.refusal(), refusal(404, "room_not_found"), "{method} {path}");
    }
}

#[tokio::test]
async fn malformed_ids_answer_like_unknown_ones() {
    let groups = Groups::new().await;
    let [owner] = groups.friends().await;
    let room = groups.public(owner, &[]).await;

    for id in ["x", "-1", "01", "99999999999", "0"] {
        assert_eq!(
            groups.get(owner, format!("/group-rooms/{id}")).await.refusal(),
            refusal(404, "room_not_found"),
            "{id}"
        );
        for (method, code) in [(Method::PUT, "member_not_found"), (Method::DELETE, "member_not_found")] {
            let path = format!("/group-rooms/{room}/members/{id}");
            let answer = groups.call(owner, method, path, &json!({"role": "admin"})).await;
            assert_eq!(answer.refusal(), refusal(404, code), "{id}");
        }
        assert_eq!(
            groups.put(owner, format!("/group-rooms/{room}/bans/{id}"), &Value::Null).await.refusal(),
            refusal(404, "user_not_found"),
            "{id}"
        );
    }
}

#[tokio::test]
async fn every_route_needs_a_token() {
    let groups = Groups::new().await;
    let mut all = routes(1, UserId(1));
    for (method, path) in [
        (Method::GET, "/group-rooms"),
        (Method::POST, "/group-rooms"),
        (Method::GET, "/group-rooms/1"),
        (Method::POST, "/group-rooms/1/join"),
        (Method::GET, "/invites/x"),
        (Method::POST, "/invites/x/join"),
    ] {
        all.push((method, path.to_owned(), Value::Null));
    }

    for (method, path, body) in all {
        let answer = groups.ask(method, &path, None, &body).await;
        assert_eq!(answer.refusal(), refusal(401, "unauthenticated"), "{path}");
    }
}

#[tokio::test]
async fn refused_and_repeated_requests_wait_for_nobody() {
    let groups = Groups::new().await;
    let [owner, member, kicked] = groups.friends().await;
    let (stranger, outside) = (groups.join("stranger").await, groups.join("outside").await);
    let room = groups.public(owner, &[member, kicked]).await;
    groups.kick(owner, room, kicked).await;
    let _held = groups.hold(&[owner, member, kicked, stranger, outside]).await;

    assert_eq!(groups.enter(member, room).await.status, 200);
    assert_eq!(groups.add(owner, room, member).await.status, 200);
    assert_eq!(groups.kick(owner, room, kicked).await.status, 204);
    assert_eq!(groups.appoint(owner, room, member, "member").await.status, 200);
    assert_eq!(groups.transfer(owner, room, owner).await.status, 200);
    assert_eq!(groups.enter(kicked, room).await.status, 403);
    assert_eq!(groups.leave(owner, room).await.status, 409);
    assert_eq!(groups.add(owner, room, stranger).await.status, 403);
    assert_eq!(groups.kick(member, room, owner).await.status, 403);
    assert_eq!(groups.kick(outside, room, owner).await.status, 404);
    assert_eq!(groups.ban(member, room, stranger).await.status, 403);
    assert_eq!(groups.put(owner, format!("/group-rooms/{room}"), &json!({"name": "등산 모임"})).await.status, 200);
    assert_eq!(groups.delete(member, format!("/group-rooms/{room}")).await.status, 403);
    assert_eq!(groups.post(member, format!("/group-rooms/{room}/invites"), &json!({})).await.status, 403);
    let strangers = json!({"name": "모임", "members": [stranger]});
    assert_eq!(groups.post(owner, "/group-rooms", &strangers).await.status, 403);
}

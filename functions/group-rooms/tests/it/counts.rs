use crate::groups::Groups;
use axum::http::Method;
use domain::{RoomId, UserId};
use serde_json::{Value, json};

/// A request, and who makes it.
type Asked = (UserId, Method, String, Value);

/// Statements and commands of each request to a group of so many members.
async fn counted(size: i32) -> Vec<(String, usize, usize)> {
    let groups = Groups::new().await;
    let [owner, member, friend, joiner, guest] = groups.friends().await;
    let room = groups.public(owner, &[member]).await;
    groups.crowd(room, size - 2).await;
    let invite = groups.invite(owner, room, &json!({})).await;
    let code = invite["code"].as_str().unwrap();
    // As a function does it: one connection, whose statements take turns.
    let mysql = groups.mysql_as("chat_app").await;
    let groups = Groups(groups.with(|app| app.backend.projector.mysql = mysql));
    let mut counts = Vec::new();
    let mut profile = groups.profile().await;
    for (caller, method, path, body) in requests(room, [owner, member, friend, joiner, guest], code) {
        profile.count().await;
        let mut status = 0;
        let statements = testkit::statements(async || {
            status = groups.call(caller, method.clone(), &path, &body).await.status;
        })
        .await;
        assert!((200..300).contains(&status), "{method} {path}: {status}");
        let name = path.replace(code, "{code}");
        counts.push((format!("{method} {name}"), statements.len(), profile.count().await));
    }
    counts
}

fn requests(room: RoomId, [owner, member, friend, joiner, guest]: [UserId; 5], code: &str) -> Vec<Asked> {
    let (path, null) = (format!("/group-rooms/{room}"), Value::Null);
    let them = |user: UserId| json!({"user_id": user});
    vec![
        (member, Method::GET, path.clone(), null.clone()),
        (guest, Method::GET, path.clone(), null.clone()),
        (member, Method::GET, "/group-rooms".to_owned(), null.clone()),
        (guest, Method::GET, "/group-rooms?scope=public".to_owned(), null.clone()),
        (guest, Method::GET, "/group-rooms?scope=public&q=%EB%93%B1".to_owned(), null.clone()),
        (member, Method::GET, format!("{path}/members?limit=2"), null.clone()),
        (member, Method::GET, format!("{path}/members?q=person1"), null.clone()),
        (owner, Method::PUT, path.clone(), json!({"name": "산악회"})),
        (owner, Method::POST, format!("{path}/members"), them(friend)),
        (joiner, Method::POST, format!("{path}/join"), null.clone()),
        (guest, Method::GET, format!("/invites/{code}"), null.clone()),
        (guest, Method::POST, format!("/invites/{code}/join"), null.clone()),
        (owner, Method::PUT, format!("{path}/members/{friend}"), json!({"role": "admin"})),
        (owner, Method::DELETE, format!("{path}/members/{joiner}"), null.clone()),
        (owner, Method::PUT, format!("{path}/bans/{guest}"), null.clone()),
        (owner, Method::GET, format!("{path}/bans"), null.clone()),
        (owner, Method::DELETE, format!("{path}/bans/{guest}"), null.clone()),
        (owner, Method::POST, format!("{path}/invites"), json!({})),
        (owner, Method::GET, format!("{path}/invites"), null.clone()),
        (owner, Method::DELETE, format!("{path}/invites/1"), null.clone()),
        (member, Method::POST, format!("{path}/leave"), null.clone()),
        (owner, Method::POST, format!("{path}/transfer"), them(friend)),
        (friend, Method::DELETE, path, null),
    ]
}

#[tokio::test]
async fn request_to_a_group_of_a_thousand_costs_what_one_to_two_costs() {
    let two = counted(2).await;
    // Three come in meanwhile.
    for size in [100, 997] {
        assert_eq!(counted(size).await, two, "{size}");
    }
    for (request, statements, commands) in two {
        assert!(statements <= 26 && commands <= 16, "{request}: {statements} statements, {commands} commands");
    }
}

#[tokio::test]
async fn refused_request_reads_little() {
    let groups = Groups::new().await;
    let [owner, member] = groups.friends().await;
    let stranger = groups.join("stranger").await;
    let room = groups.private(owner, &[member]).await;

    for (caller, path, status) in
        [(stranger, format!("/group-rooms/{room}/join"), 404), (member, format!("/group-rooms/{room}/invites"), 403)]
    {
        let statements = testkit::statements(async || {
            assert_eq!(groups.post(caller, &path, &json!({})).await.status, status);
        })
        .await;
        assert_eq!(statements.len(), 1, "{path}: {statements:#?}");
    }
}

#[tokio::test]
async fn list_of_many_groups_takes_as_many_reads_as_one_of_few() {
    let groups = Groups::new().await;
    let [owner, few] = groups.friends().await;
    for n in 0..20 {
        let members: &[UserId] = if n < 2 { &[few] } else { &[] };
        groups.private(owner, members).await;
    }
    let mut profile = groups.profile().await;
    let mut counts = Vec::new();
    for user in [owner, few] {
        profile.count().await;
        let statements = testkit::statements(async || {
            assert_eq!(groups.get(user, "/group-rooms").await.status, 200);
        })
        .await;
        counts.push((statements.len(), profile.count().await));
    }

    assert_eq!(counts[0], counts[1]);
    assert_eq!(counts[0].0, 1, "one statement");
}

#[tokio::test]
async fn known_members_come_and_go_without_new_rows() {
    let groups = Groups::new().await;
    let [owner, member] = groups.friends().await;
    let room = groups.public(owner, &[member]).await;

    let statements = testkit::statements(async || {
        assert_eq!(groups.appoint(owner, room, member, "admin").await.status, 200);
        groups.leave(member, room).await;
        assert_eq!(groups.enter(member, room).await.status, 200);
    })
    .await;

    let of_members: Vec<_> = statements.iter().filter(|it| it.contains("INTO group_room_members")).collect();
    assert!(of_members.is_empty(), "{of_members:#?}");
    assert_eq!(statements.iter().filter(|it| it.contains("UPDATE group_room_members")).count(), 3);
}

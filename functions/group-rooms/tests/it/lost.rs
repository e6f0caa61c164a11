use crate::groups::Groups;
use domain::{RoomId, UserId};
use serde_json::json;

/// A change whose request ended between its commit and its projection.
async fn commit(groups: &Groups, room: RoomId, user: UserId, changes: &[&str]) {
    let noted = format!(
        "INSERT INTO outbox (aggregate, aggregate_id, created_at) VALUES ('group', {room}, NOW(3)), ('user', {user}, NOW(3))"
    );
    for change in changes {
        groups.execute(&change.replace("{room}", &room.to_string()).replace("{user}", &user.to_string())).await;
    }
    groups.execute(&format!("UPDATE users SET version = version + 1 WHERE id = {user}")).await;
    groups.execute(&noted).await;
}

const KICK: [&str; 2] = [
    "UPDATE group_room_members SET state = 'kicked', is_active = FALSE, left_at = NOW(3) WHERE group_room_id = {room} AND user_id = {user}",
    "UPDATE group_chat_rooms SET version = version + 1, member_count = member_count - 1 WHERE id = {room}",
];

const JOIN: [&str; 2] = [
    "INSERT INTO group_room_members (user_id, group_room_id, joined_at, created_at, updated_at)
     VALUES ({user}, {room}, NOW(3), NOW(3), NOW(3))",
    "UPDATE group_chat_rooms SET version = version + 1, member_count = member_count + 1 WHERE id = {room}",
];

const CLOSE: [&str; 2] = [
    "UPDATE group_room_members SET state = 'left', is_active = FALSE, left_at = NOW(3) WHERE group_room_id = {room}",
    "UPDATE group_chat_rooms SET version = version + 1, member_count = 0, is_active = FALSE WHERE id = {room}",
];

#[tokio::test]
async fn repeated_kick_whose_projection_was_lost_takes_effect() {
    let groups = Groups::new().await;
    let [owner, member] = groups.friends().await;
    let room = groups.public(owner, &[member]).await;
    commit(&groups, room, member, &KICK).await;
    assert!(groups.may_send(room, member).await);

    assert_eq!(groups.kick(owner, room, member).await.status, 204);

    assert!(!groups.may_send(room, member).await);
    groups.agree(room, &[owner, member]).await;
}

#[tokio::test]
async fn repeated_join_whose_projection_was_lost_takes_effect() {
    let groups = Groups::new().await;
    let [owner, joiner] = groups.friends().await;
    let room = groups.public(owner, &[]).await;
    commit(&groups, room, joiner, &JOIN).await;

    let answer = groups.enter(joiner, room).await;

    assert_eq!((answer.status, &answer.json()["my_role"]), (200, &json!("member")));
    groups.agree(room, &[owner, joiner]).await;
}

#[tokio::test]
async fn repeated_deletion_whose_projection_was_lost_takes_effect() {
    let groups = Groups::new().await;
    let [owner, member] = groups.friends().await;
    let room = groups.public(owner, &[member]).await;
    commit(&groups, room, owner, &CLOSE).await;
    assert!(groups.may_send(room, member).await);

    assert_eq!(groups.delete(owner, format!("/group-rooms/{room}")).await.status, 204);

    assert!(!groups.may_send(room, member).await && !groups.may_send(room, owner).await);
    groups.agree(room, &[owner, member]).await;
}

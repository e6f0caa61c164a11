use crate::groups::Groups;
use domain::{SessionId, UserId};
use serde_json::{Value, json};

/// What somebody's connection was told of the group itself, without the messages in it.
fn told(groups: &Groups, name: &str) -> Vec<Value> {
    let frames = groups.pushes.frames(name).into_iter();
    frames.filter(|frame| !frame["t"].as_str().unwrap().starts_with("message.")).collect()
}

async fn open(groups: &Groups, user: UserId, name: &str) {
    groups.connect(user, SessionId::from_bytes([7; 16]), name).await;
}

#[tokio::test]
async fn person_is_told_of_their_own_place_in_a_group() {
    let groups = Groups::new().await;
    let [owner, member] = groups.friends().await;
    open(&groups, member, "phone").await;

    let room = groups.private(owner, &[member]).await;
    groups.appoint(owner, room, member, "admin").await;
    groups.kick(owner, room, member).await;

    let frames = told(&groups, "phone");
    let kinds: Vec<_> = frames.iter().map(|frame| (&frame["t"], &frame["d"]["by"], &frame["d"]["user_rev"])).collect();
    assert_eq!(
        json!(kinds),
        json!([["room.added", owner, 2], ["member.changed", owner, 3], ["room.removed", owner, 4]])
    );
    assert_eq!((&frames[0]["d"]["my_role"], &frames[1]["d"]["role"]), (&json!("member"), &json!("admin")));
    assert_eq!((&frames[2]["d"]["reason"], &frames[2]["room"]), (&json!("kicked"), &json!(format!("group:{room}"))));
}

#[tokio::test]
async fn other_devices_of_joining_and_leaving_members_are_told() {
    let groups = Groups::new().await;
    let [owner, joiner] = groups.friends().await;
    let room = groups.public(owner, &[]).await;
    open(&groups, joiner, "tablet").await;

    groups.enter(joiner, room).await;
    groups.leave(joiner, room).await;

    let frames = told(&groups, "tablet");
    let kinds: Vec<_> = frames.iter().map(|frame| (&frame["t"], &frame["d"]["by"])).collect();
    assert_eq!(json!(kinds), json!([["room.added", joiner], ["room.removed", joiner]]));
}

#[tokio::test]
async fn both_people_of_a_transfer_are_told_their_roles() {
    let groups = Groups::new().await;
    let [owner, heir] = groups.friends().await;
    let room = groups.private(owner, &[heir]).await;
    open(&groups, owner, "owner").await;
    open(&groups, heir, "heir").await;

    groups.transfer(owner, room, heir).await;

    for (name, role) in [("owner", "admin"), ("heir", "owner")] {
        let own = told(&groups, name).into_iter().find(|frame| frame["d"]["user_rev"].is_i64()).unwrap();
        assert_eq!((&own["t"], &own["d"]["role"]), (&json!("member.changed"), &json!(role)), "{name}");
    }
}

#[tokio::test]
async fn every_member_is_told_that_a_group_is_gone() {
    let groups = Groups::new().await;
    let [owner, member, outside] = groups.friends().await;
    let room = groups.public(owner, &[member]).await;
    for (user, name) in [(owner, "owner"), (member, "member"), (outside, "outside")] {
        open(&groups, user, name).await;
    }

    groups.delete(owner, format!("/group-rooms/{room}")).await;

    for name in ["owner", "member"] {
        let frames = told(&groups, name);
        assert_eq!(
            (frames.len(), &frames[0]["t"], &frames[0]["d"]["reason"]),
            (1, &json!("room.removed"), &json!("closed"))
        );
    }
    assert_eq!(told(&groups, "outside"), [json!(null); 0]);
}

#[tokio::test]
async fn repeated_requests_and_bans_from_outside_tell_nobody() {
    let groups = Groups::new().await;
    let [owner, member, outside] = groups.friends().await;
    let room = groups.public(owner, &[member]).await;
    for (user, name) in [(owner, "owner"), (member, "member"), (outside, "outside")] {
        open(&groups, user, name).await;
    }

    groups.enter(member, room).await;
    groups.add(owner, room, member).await;
    groups.ban(owner, room, outside).await;
    groups.put(owner, format!("/group-rooms/{room}"), &json!({})).await;

    assert_eq!(groups.pushes.count(), 0);
}

#[tokio::test]
async fn every_change_is_a_message_in_the_order_of_the_room() {
    let groups = Groups::new().await;
    let [owner, member] = groups.friends().await;
    let room = groups.public(owner, &[]).await;
    let last = async || groups.show(owner, room).await["last_message"].clone();
    let mut seqs = vec![last().await["seq"].as_i64()];

    for (kind, answer) in [
        ("member_joined", groups.enter(member, room).await),
        ("role_changed", groups.appoint(owner, room, member, "admin").await),
        ("member_left", groups.leave(member, room).await),
        ("member_added", groups.add(owner, room, member).await),
        ("member_kicked", groups.kick(owner, room, member).await),
        ("room_updated", groups.put(owner, format!("/group-rooms/{room}"), &json!({"name": "산악회"})).await),
    ] {
        assert!(answer.status < 300, "{kind}");
    }

    let message = last().await;
    assert_eq!((&message["system"]["kind"], &message["system"]["name"]), (&json!("room_updated"), &json!("산악회")));
    assert_eq!(message["system"]["text"]["ko"], "그룹 정보가 변경되었습니다.");
    assert_eq!(message["message_type"], "system");
    seqs.push(message["seq"].as_i64());
    assert_eq!(seqs, [Some(1), Some(7)], "one each");
    assert_eq!(groups.show(owner, room).await["unread_count"], 0);
}

use crate::groups::{Groups, refusal};
use domain::{Role, UserId};
use serde_json::json;
use testkit::NOON;

#[tokio::test]
async fn staff_adds_friends() {
    let groups = Groups::new().await;
    let [owner, friend] = groups.friends().await;
    let room = groups.private(owner, &[]).await;

    let answer = groups.add(owner, room, friend).await;

    let user = json!({"id": friend, "username": "person1", "display_name": "PERSON1", "status_message": null, "avatar": null, "is_available": true});
    let member = json!({"user": user, "role": "member", "joined_at": NOON});
    assert_eq!(answer.parts(), (201, member.clone()));
    assert_eq!(groups.add(owner, room, friend).await.parts(), (200, member), "a repetition");
    assert_eq!(groups.known(friend).await.version, 2);
    groups.agree(room, &[owner, friend]).await;
}

#[tokio::test]
async fn only_friends_are_added() {
    let groups = Groups::new().await;
    let [owner, gone] = groups.friends().await;
    let (stranger, blocker) = (groups.join("stranger").await, groups.join("blocker").await);
    let room = groups.public(owner, &[]).await;
    groups.deactivate(gone).await;
    groups.block(blocker, owner).await;

    for (user, expected) in [
        (stranger, refusal(403, "not_friends")),
        (gone, refusal(404, "user_not_found")),
        (blocker, refusal(404, "user_not_found")),
        (UserId(999_999), refusal(404, "user_not_found")),
    ] {
        assert_eq!(groups.add(owner, room, user).await.refusal(), expected, "{user}");
    }
}

#[tokio::test]
async fn members_add_nobody() {
    let groups = Groups::new().await;
    let [friend, owner, member] = groups.friends().await;
    groups.befriend(owner, member).await;
    let room = groups.public(owner, &[member]).await;

    assert_eq!(groups.add(member, room, friend).await.refusal(), refusal(403, "not_permitted"));
    groups.appoint(owner, room, member, "admin").await;
    assert_eq!(groups.add(member, room, friend).await.status, 201, "admins do");
}

#[tokio::test]
async fn removed_member_reads_and_sends_nothing_and_returns_when_added() {
    let groups = Groups::new().await;
    let [owner, member] = groups.friends().await;
    let room = groups.public(owner, &[member]).await;

    assert_eq!(groups.kick(owner, room, member).await.status, 204);

    assert!(!groups.may_send(room, member).await);
    assert_eq!(groups.ids(member, "/group-rooms").await, [0; 0]);
    assert_eq!(groups.kick(owner, room, member).await.status, 204, "a repetition");
    assert_eq!(groups.enter(member, room).await.refusal(), refusal(403, "removed_from_room"));
    assert_eq!(groups.known(member).await.version, 3);
    assert_eq!(groups.add(owner, room, member).await.status, 201);
    assert_eq!(groups.role(room, member).await, Some(Role::Member));
    groups.agree(room, &[owner, member]).await;
}

#[tokio::test]
async fn roles_follow_the_table() {
    let groups = Groups::new().await;
    let [owner, admin, member] = groups.friends().await;
    let room = groups.private(owner, &[admin, member]).await;

    let appointed = groups.appoint(owner, room, admin, "admin").await;

    assert_eq!((appointed.status, &appointed.json()["role"]), (200, &json!("admin")));
    assert_eq!(groups.appoint(owner, room, admin, "admin").await.status, 200, "a repetition");
    assert_eq!(groups.known(admin).await.version, 3, "of which nobody learns");
    for (by, of, role) in
        [(admin, member, "admin"), (member, admin, "member"), (owner, admin, "owner"), (owner, owner, "member")]
    {
        assert_eq!(
            groups.appoint(by, room, of, role).await.refusal(),
            refusal(403, "not_permitted"),
            "{by} {of} {role}"
        );
    }
    for (by, of) in [(admin, owner), (member, admin), (admin, admin)] {
        assert_eq!(groups.kick(by, room, of).await.refusal(), refusal(403, "not_permitted"), "{by} {of}");
    }
    assert_eq!(groups.appoint(owner, room, UserId(999_999), "admin").await.refusal(), refusal(404, "member_not_found"));
    assert_eq!(groups.kick(admin, room, member).await.status, 204);
    groups.agree(room, &[owner, admin, member]).await;
}

#[tokio::test]
async fn members_are_listed_by_id_and_found_by_name() {
    let groups = Groups::new().await;
    let [owner, one, two] = groups.friends().await;
    let gildong = groups.join("홍길동").await;
    groups.befriend(owner, gildong).await;
    let room = groups.private(owner, &[one, two, gildong]).await;
    let path = format!("/group-rooms/{room}/members");
    let ids = [owner, one, two, gildong].map(|user| i64::from(user.0));

    assert_eq!(groups.ids(one, &path).await, ids);
    assert_eq!(groups.ids(one, format!("{path}?q=person1")).await, [i64::from(one.0)]);
    assert_eq!(groups.ids(one, format!("{path}?q=%E3%85%8E%E3%84%B1")).await, [i64::from(gildong.0)], "ㅎㄱ");
    let page = groups.get(one, format!("{path}?limit=2")).await.json();
    let next = page["next_cursor"].as_str().unwrap();
    assert_eq!(groups.ids(one, format!("{path}?limit=2&cursor={next}")).await, ids[2..]);
}

#[tokio::test]
async fn member_who_blocked_the_caller_looks_deleted_and_is_not_found() {
    let groups = Groups::new().await;
    let [owner, member, blocker] = groups.friends().await;
    let room = groups.private(owner, &[member, blocker]).await;
    groups.block(blocker, member).await;
    let path = format!("/group-rooms/{room}/members");

    let listed = groups.get(member, &path).await.json();

    let hidden = json!({"id": blocker, "username": null, "display_name": null, "status_message": null, "avatar": null, "is_available": false});
    assert_eq!(listed["items"][2]["user"], hidden);
    assert_eq!(groups.ids(member, format!("{path}?q=person2")).await, [0; 0]);
    assert_eq!(groups.ids(owner, format!("{path}?q=person2")).await, [i64::from(blocker.0)]);
}

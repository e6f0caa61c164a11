use crate::groups::{Groups, refusal};
use domain::UserId;
use serde_json::json;
use testkit::NOON;

#[tokio::test]
async fn banned_member_is_out_and_stays_out() {
    let groups = Groups::new().await;
    let [owner, member] = groups.friends().await;
    let room = groups.public(owner, &[member]).await;

    assert_eq!(groups.ban(owner, room, member).await.status, 204);

    assert!(!groups.may_send(room, member).await);
    assert_eq!(groups.ban(owner, room, member).await.status, 204, "a repetition");
    assert_eq!(groups.show(owner, room).await["member_count"], 1);
    assert_eq!(groups.enter(member, room).await.refusal(), refusal(403, "removed_from_room"));
    assert_eq!(groups.add(owner, room, member).await.refusal(), refusal(409, "user_banned"));
    let user = json!({"id": member, "username": "person1", "display_name": "PERSON1", "status_message": null, "avatar": null, "is_available": true});
    let bans = groups.get(owner, format!("/group-rooms/{room}/bans")).await.json();
    assert_eq!(bans["items"], json!([{"user": user, "banned_at": NOON}]));
    groups.agree(room, &[owner, member]).await;
}

#[tokio::test]
async fn somebody_from_outside_is_banned_without_being_told() {
    let groups = Groups::new().await;
    let [owner, outside] = groups.friends().await;
    let room = groups.public(owner, &[]).await;

    assert_eq!(groups.ban(owner, room, outside).await.status, 204);

    assert!(groups.mongo().people().find(outside).await.unwrap().is_none());
    assert_eq!(groups.enter(outside, room).await.refusal(), refusal(403, "removed_from_room"));
    assert_eq!(groups.show(owner, room).await["member_count"], 1);
}

#[tokio::test]
async fn lifted_ban_lets_be_added_but_not_join() {
    let groups = Groups::new().await;
    let [owner, member] = groups.friends().await;
    let room = groups.public(owner, &[member]).await;
    groups.ban(owner, room, member).await;

    assert_eq!(groups.unban(owner, room, member).await.status, 204);

    assert_eq!(groups.unban(owner, room, member).await.status, 204, "a repetition");
    assert_eq!(groups.ids(owner, format!("/group-rooms/{room}/bans")).await, [0; 0]);
    assert_eq!(groups.enter(member, room).await.refusal(), refusal(403, "removed_from_room"));
    assert_eq!(groups.add(owner, room, member).await.status, 201);
    assert_eq!(groups.unban(owner, room, member).await.refusal(), refusal(404, "member_not_found"), "nothing to lift");
}

#[tokio::test]
async fn bans_follow_the_table() {
    let groups = Groups::new().await;
    let [owner, admin, member] = groups.friends().await;
    let room = groups.public(owner, &[admin, member]).await;
    groups.appoint(owner, room, admin, "admin").await;

    for (by, of) in [(admin, owner), (admin, admin), (member, owner), (member, UserId(999_999))] {
        assert_eq!(groups.ban(by, room, of).await.refusal(), refusal(403, "not_permitted"), "{by} {of}");
    }
    assert_eq!(groups.ban(admin, room, UserId(999_999)).await.refusal(), refusal(404, "user_not_found"));
    assert_eq!(groups.get(member, format!("/group-rooms/{room}/bans")).await.refusal(), refusal(403, "not_permitted"));
    assert_eq!(groups.ban(admin, room, member).await.status, 204);
}

#[tokio::test]
async fn banned_blockers_and_deactivated_users_look_alike() {
    let groups = Groups::new().await;
    let [owner, gone] = groups.friends().await;
    let blocker = groups.join("blocker").await;
    let room = groups.public(owner, &[]).await;
    groups.block(blocker, owner).await;
    groups.deactivate(gone).await;

    for user in [blocker, gone] {
        assert_eq!(groups.ban(owner, room, user).await.status, 204, "{user}");
    }
    let bans = groups.get(owner, format!("/group-rooms/{room}/bans")).await.json();
    for ban in bans["items"].as_array().unwrap() {
        assert_eq!((&ban["user"]["username"], &ban["user"]["is_available"]), (&json!(null), &json!(false)));
    }
}

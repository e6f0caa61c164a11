use crate::groups::{Groups, refusal};
use domain::{MOST_GROUPS, Role};
use serde_json::json;

#[tokio::test]
async fn anybody_joins_a_public_group() {
    let groups = Groups::new().await;
    let [owner, joiner] = groups.friends().await;
    let room = groups.public(owner, &[]).await;

    let answer = groups.enter(joiner, room).await;

    let group = answer.json();
    assert_eq!((answer.status, &group["my_role"], &group["member_count"]), (200, &json!("member"), &json!(2)));
    assert_eq!(groups.known(joiner).await.version, 2, "other devices of theirs find out");
    assert!(groups.may_send(room, joiner).await);
    groups.agree(room, &[owner, joiner]).await;
}

#[tokio::test]
async fn repeated_join_changes_nothing() {
    let groups = Groups::new().await;
    let [owner, joiner] = groups.friends().await;
    let room = groups.public(owner, &[]).await;
    let first = groups.enter(joiner, room).await;

    let again = groups.enter(joiner, room).await;

    assert_eq!((again.status, again.json()["member_count"].clone()), (200, first.json()["member_count"].clone()));
    assert_eq!(groups.known(joiner).await.version, 2);
}

#[tokio::test]
async fn private_group_is_not_joined() {
    let groups = Groups::new().await;
    let [owner, joiner] = groups.friends().await;
    let room = groups.private(owner, &[]).await;

    let answer = groups.enter(joiner, room).await;

    assert_eq!(answer.refusal(), refusal(404, "room_not_found"));
    assert!(!groups.may_send(room, joiner).await);
}

#[tokio::test]
async fn full_group_admits_nobody_else() {
    let groups = Groups::new().await;
    let [owner, joiner, late] = groups.friends().await;
    let room = groups.made(owner, &json!({"name": "둘", "max_members": 2})).await;
    assert_eq!(groups.enter(joiner, room).await.status, 200);

    assert_eq!(groups.enter(late, room).await.refusal(), refusal(409, "room_full"));
    assert_eq!(groups.enter(joiner, room).await.status, 200, "a member is in");
    assert_eq!(groups.leave(joiner, room).await.status, 204);
    assert_eq!(groups.enter(late, room).await.status, 200, "there is space again");
}

#[tokio::test]
async fn former_admin_rejoins_as_a_member() {
    let groups = Groups::new().await;
    let [owner, joiner] = groups.friends().await;
    let room = groups.public(owner, &[joiner]).await;
    groups.appoint(owner, room, joiner, "admin").await;

    assert_eq!(groups.leave(joiner, room).await.status, 204);
    assert_eq!((groups.role(room, joiner).await, groups.may_send(room, joiner).await), (None, false));
    assert_eq!(groups.leave(joiner, room).await.status, 204, "a repetition");
    assert_eq!(groups.enter(joiner, room).await.json()["my_role"], "member");

    assert_eq!(groups.role(room, joiner).await, Some(Role::Member));
    groups.agree(room, &[owner, joiner]).await;
}

#[tokio::test]
async fn owner_leaves_after_a_transfer() {
    let groups = Groups::new().await;
    let [owner, heir] = groups.friends().await;
    let room = groups.private(owner, &[heir]).await;
    assert_eq!(groups.leave(owner, room).await.refusal(), refusal(409, "owner_must_transfer"));

    let transferred = groups.transfer(owner, room, heir).await;

    assert_eq!((transferred.status, &transferred.json()["my_role"]), (200, &json!("admin")));
    assert_eq!([groups.role(room, owner).await, groups.role(room, heir).await], [Some(Role::Admin), Some(Role::Owner)]);
    assert_eq!([groups.known(owner).await.version, groups.known(heir).await.version], [3, 3]);
    assert_eq!(groups.transfer(owner, room, heir).await.status, 200, "a repetition");
    assert_eq!(groups.leave(owner, room).await.status, 204);
    groups.agree(room, &[owner, heir]).await;
}

#[tokio::test]
async fn ownership_is_passed_to_members_only() {
    let groups = Groups::new().await;
    let [owner, member, outside] = groups.friends().await;
    let room = groups.public(owner, &[member]).await;

    assert_eq!(groups.transfer(owner, room, outside).await.refusal(), refusal(404, "member_not_found"));
    assert_eq!(groups.transfer(member, room, owner).await.refusal(), refusal(403, "not_permitted"));
    assert_eq!(groups.transfer(owner, room, owner).await.status, 200, "it is theirs");
}

#[tokio::test]
async fn nobody_is_in_more_than_500_groups() {
    let groups = Groups::new().await;
    let [owner, joiner] = groups.friends().await;
    let room = groups.public(owner, &[]).await;
    groups.fill(joiner, i32::try_from(MOST_GROUPS).unwrap()).await;

    for answer in [
        groups.enter(joiner, room).await,
        groups.add(owner, room, joiner).await,
        groups.post(joiner, "/group-rooms", &json!({"name": "하나 더"})).await,
        groups.post(owner, "/group-rooms", &json!({"name": "모임", "members": [joiner]})).await,
    ] {
        assert_eq!(answer.refusal(), refusal(409, "too_many_groups"));
    }
}

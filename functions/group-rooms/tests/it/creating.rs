use crate::groups::{Groups, refusal};
use domain::{Limit, Role, RoomKey, UserId};
use serde_json::json;
use testkit::NOON;

#[tokio::test]
async fn new_group_has_an_owner_and_friends() {
    let groups = Groups::new().await;
    let [owner, friend, other] = groups.friends().await;
    let body = json!({"name": " 등산 모임 ", "description": "토요일\r\n아침", "members": [other, friend]});

    let answer = groups.post(owner, "/group-rooms", &body).await;

    let group = answer.json();
    assert_eq!(answer.status, 201);
    assert_eq!(
        group,
        json!({
            "id": group["id"], "room_type": "group", "name": "등산 모임", "description": "토요일\n아침", "is_private": false,
            "max_members": 100, "wide_mentions": "admins", "member_count": 3, "picture": null, "my_role": "owner", "last_message": group["last_message"],
            "unread_count": 0, "created_at": NOON, "updated_at": NOON,
        })
    );
    let room = domain::RoomId(i32::try_from(group["id"].as_i64().unwrap()).unwrap());
    assert_eq!(groups.role(room, owner).await, Some(Role::Owner));
    for member in [friend, other] {
        assert_eq!(groups.role(room, member).await, Some(Role::Member));
    }
    groups.agree(room, &[owner, friend, other]).await;
}

#[tokio::test]
async fn new_group_raises_version_of_everybody_in_it() {
    let groups = Groups::new().await;
    let [owner, friend, outside] = groups.friends().await;

    groups.public(owner, &[friend]).await;

    assert_eq!([groups.known(owner).await.version, groups.known(friend).await.version], [2, 2]);
    assert!(groups.mongo().people().find(outside).await.unwrap().is_none(), "no news for others");
}

#[tokio::test]
async fn strangers_and_people_who_are_gone_are_not_added() {
    let groups = Groups::new().await;
    let [owner, gone] = groups.friends().await;
    let (stranger, blocker) = (groups.join("stranger").await, groups.join("blocker").await);
    groups.deactivate(gone).await;
    groups.block(blocker, owner).await;

    for (member, expected) in [
        (stranger, refusal(403, "not_friends")),
        (gone, refusal(404, "user_not_found")),
        (blocker, refusal(404, "user_not_found")),
        (UserId(999_999), refusal(404, "user_not_found")),
    ] {
        let answer = groups.post(owner, "/group-rooms", &json!({"name": "모임", "members": [member]})).await;
        assert_eq!(answer.refusal(), expected, "{member}");
    }
    assert_eq!(groups.ids(owner, "/group-rooms").await, [0; 0]);
}

#[tokio::test]
async fn bad_fields_of_a_group_are_named() {
    let groups = Groups::new().await;
    let [owner, friend] = groups.friends().await;

    for (body, field, reason) in [
        (json!({}), "name", "required"),
        (json!({"name": "\u{200b}"}), "name", "blank"),
        (json!({"name": "가".repeat(101)}), "name", "too_long"),
        (json!({"name": "모임", "description": "a\u{0}"}), "description", "control_character"),
        (json!({"name": "모임", "max_members": 1}), "max_members", "out_of_range"),
        (json!({"name": "모임", "max_members": 1001}), "max_members", "out_of_range"),
        (json!({"name": "모임", "members": [owner]}), "members", "contradiction"),
        (json!({"name": "모임", "members": [friend, friend]}), "members", "contradiction"),
        (json!({"name": "모임", "members": (1..52).collect::<Vec<_>>()}), "members", "too_long"),
        (json!({"name": "모임", "owner": friend}), "$", "unknown_field"),
    ] {
        let answer = groups.post(owner, "/group-rooms", &body).await;
        let error = &answer.json()["errors"][0];
        assert_eq!((answer.status, &error["field"], &error["code"]), (422, &json!(field), &json!(reason)), "{body}");
    }
}

#[tokio::test]
async fn group_is_no_larger_than_it_may_be_from_the_beginning() {
    let groups = Groups::new().await;
    let [owner, one, two] = groups.friends().await;

    let answer =
        groups.post(owner, "/group-rooms", &json!({"name": "둘", "max_members": 2, "members": [one, two]})).await;

    assert_eq!(answer.refusal(), refusal(409, "room_full"));
}

#[tokio::test]
async fn groups_are_limited_by_the_hour() {
    let groups = Groups::new().await;
    let owner = groups.join("owner").await;
    let door = groups.with(|app| app.backend.limits.new_rooms = Limit { burst: 2, per_minute: 1 });
    let make = async || door.call(owner, axum::http::Method::POST, "/group-rooms", &json!({"name": "모임"})).await;
    for _ in 0..2 {
        assert_eq!(make().await.status, 201);
    }

    let refused = make().await;

    assert_eq!(refused.refusal(), refusal(429, "rate_limited"));
    assert!((3_500..=3_600).contains(&refused.retry_after()), "{}", refused.retry_after());
}

#[tokio::test]
async fn everybody_in_a_new_group_may_send() {
    let groups = Groups::new().await;
    let [owner, friend] = groups.friends().await;

    let room = groups.private(owner, &[friend]).await;

    assert!(groups.may_send(room, owner).await && groups.may_send(room, friend).await);
    let stranger = groups.join("stranger").await;
    assert!(groups.rights(RoomKey::group(room), stranger).await.is_none() && !groups.may_send(room, stranger).await);
}

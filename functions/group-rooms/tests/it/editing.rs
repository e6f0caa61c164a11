use crate::groups::{Groups, refusal};
use axum::{body::Body, http::Request};
use domain::SessionId;
use serde_json::json;
use testkit::NOON;

#[tokio::test]
async fn staff_edits_the_group() {
    let groups = Groups::new().await;
    let [owner, admin, member] = groups.friends().await;
    let room = groups.public(owner, &[admin, member]).await;
    groups.appoint(owner, room, admin, "admin").await;
    let path = format!("/group-rooms/{room}");
    let edited = json!({"name": "산악회", "description": "토요일", "is_private": true, "max_members": 3, "wide_mentions": "everyone"});

    let answer = groups.put(admin, &path, &edited).await;

    let group = answer.json();
    assert_eq!(answer.status, 200);
    for (field, value) in edited.as_object().unwrap() {
        assert_eq!(&group[field], value, "{field}");
    }
    assert_eq!(groups.get(owner, &path).await.json()["wide_mentions"], "everyone");
    assert_eq!(groups.put(member, &path, &edited).await.refusal(), refusal(403, "not_permitted"));
    let cleared = groups.put(owner, &path, &json!({"description": null})).await.json();
    assert_eq!((&cleared["description"], &cleared["name"]), (&json!(null), &json!("산악회")));
    groups.agree(room, &[owner, admin, member]).await;
}

#[tokio::test]
async fn edit_that_changes_nothing_is_no_change() {
    let groups = Groups::new().await;
    let [owner] = groups.friends().await;
    let room = groups.public(owner, &[]).await;
    let before = groups.show(owner, room).await;
    let version = groups.rights(domain::RoomKey::group(room), owner).await.unwrap().version;

    for patch in [
        json!({}),
        json!({"name": "등산 모임", "is_private": false, "max_members": 100, "wide_mentions": "admins", "description": null}),
    ] {
        assert_eq!(groups.put(owner, format!("/group-rooms/{room}"), &patch).await.parts(), (200, before.clone()));
    }
    assert_eq!(groups.rights(domain::RoomKey::group(room), owner).await.unwrap().version, version);
}

#[tokio::test]
async fn group_is_not_made_smaller_than_it_is() {
    let groups = Groups::new().await;
    let [owner, one, two] = groups.friends().await;
    let room = groups.public(owner, &[one, two]).await;
    let path = format!("/group-rooms/{room}");

    assert_eq!(groups.put(owner, &path, &json!({"max_members": 2})).await.refusal(), refusal(409, "too_many_members"));
    assert_eq!(groups.put(owner, &path, &json!({"max_members": 3})).await.status, 200);
    let bad = groups.put(owner, &path, &json!({"max_members": 1001})).await.json();
    assert_eq!(
        (&bad["errors"][0]["field"], &bad["errors"][0]["code"]),
        (&json!("max_members"), &json!("out_of_range"))
    );
}

#[tokio::test]
async fn refusals_are_in_both_languages() {
    let groups = Groups::new().await;
    let [owner, one, two] = groups.friends().await;
    let room = groups.public(owner, &[one, two]).await;

    for (language, detail) in
        [("ko", "현재 멤버 수보다 작게 정할 수 없습니다."), ("en", "The group has more members than that.")]
    {
        let token = groups.tokens().issue(owner, &SessionId::from_bytes([1; 16]), NOON).unwrap();
        let request = Request::put(format!("/group-rooms/{room}"))
            .header("content-type", "application/json")
            .header("accept-language", language)
            .header("authorization", format!("Bearer {token}"));
        let answer = groups.send(request.body(Body::from(r#"{"max_members":2}"#)).unwrap()).await;
        assert_eq!(answer.json()["detail"], detail);
    }
}

#[tokio::test]
async fn group_that_became_private_is_found_no_more_and_keeps_its_members() {
    let groups = Groups::new().await;
    let [owner, member] = groups.friends().await;
    let stranger = groups.join("stranger").await;
    let room = groups.public(owner, &[member]).await;
    let found = async || groups.ids(stranger, "/group-rooms?scope=public&q=%EB%93%B1%EC%82%B0").await;
    assert_eq!(found().await, [i64::from(room.0)], "등산");

    groups.put(owner, format!("/group-rooms/{room}"), &json!({"is_private": true})).await;

    assert_eq!(found().await, [0; 0]);
    assert_eq!(groups.enter(stranger, room).await.refusal(), refusal(404, "room_not_found"));
    assert!(groups.may_send(room, member).await);
    groups.put(owner, format!("/group-rooms/{room}"), &json!({"is_private": false, "name": "자전거"})).await;
    assert_eq!(found().await, [0; 0], "it has another name");
    assert_eq!(
        groups.ids(stranger, "/group-rooms?scope=public&q=%E3%85%88%E3%85%88").await,
        [i64::from(room.0)],
        "ㅈㅈ"
    );
}

#[tokio::test]
async fn deleted_group_is_gone_for_everybody() {
    let groups = Groups::new().await;
    let [owner, admin, outside] = groups.friends().await;
    let room = groups.public(owner, &[admin]).await;
    groups.appoint(owner, room, admin, "admin").await;
    let invite = groups.invite(owner, room, &json!({})).await;
    let path = format!("/group-rooms/{room}");
    assert_eq!(groups.delete(admin, &path).await.refusal(), refusal(403, "not_permitted"));
    assert_eq!(groups.delete(outside, &path).await.refusal(), refusal(404, "room_not_found"));

    assert_eq!(groups.delete(owner, &path).await.status, 204);

    for user in [owner, admin] {
        assert!(!groups.may_send(room, user).await);
        assert_eq!(groups.get(user, &path).await.refusal(), refusal(404, "room_not_found"));
        assert_eq!(groups.ids(user, "/group-rooms").await, [0; 0]);
    }
    assert_eq!(groups.ids(outside, "/group-rooms?scope=public").await, [0; 0]);
    assert_eq!(
        groups.accept(outside, invite["code"].as_str().unwrap()).await.refusal(),
        refusal(404, "invite_not_found")
    );
    assert_eq!(groups.delete(owner, &path).await.status, 204, "a repetition");
    assert_eq!(groups.delete(admin, &path).await.refusal(), refusal(404, "room_not_found"));
    assert_eq!(groups.delete(owner, "/group-rooms/999999").await.refusal(), refusal(404, "room_not_found"));
    groups.agree(room, &[owner, admin]).await;
}

#[tokio::test]
async fn deleted_group_counts_no_more() {
    let groups = Groups::new().await;
    let [owner] = groups.friends().await;
    let room = groups.public(owner, &[]).await;
    groups.fill(owner, i32::try_from(domain::MOST_GROUPS - 1).unwrap()).await;
    let make = async || groups.post(owner, "/group-rooms", &json!({"name": "하나 더"})).await;
    assert_eq!(make().await.refusal(), refusal(409, "too_many_groups"));

    groups.delete(owner, format!("/group-rooms/{room}")).await;

    assert_eq!(make().await.status, 201);
}

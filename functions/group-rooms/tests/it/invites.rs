use crate::groups::{Groups, PAGE, refusal};
use domain::MOST_INVITES;
use serde_json::json;
use std::time::Duration;
use testkit::NOON;

#[tokio::test]
async fn invite_shows_its_code_once() {
    let groups = Groups::new().await;
    let [owner] = groups.friends().await;
    let room = groups.private(owner, &[]).await;

    let invite = groups.invite(owner, room, &json!({"expires_in": 3600, "max_uses": 5})).await;

    let (id, code) = (&invite["id"], invite["code"].as_str().unwrap());
    let listed = json!({
        "id": id, "created_by": owner, "expires_at": NOON.plus(Duration::from_hours(1)), "max_uses": 5, "uses": 0, "created_at": NOON,
    });
    assert_eq!((code.len(), &invite["url"]), (22, &json!(format!("{PAGE}/{code}"))));
    assert_eq!(groups.get(owner, format!("/group-rooms/{room}/invites")).await.json()["items"], json!([listed]));
}

#[tokio::test]
async fn invite_has_no_url_without_a_page() {
    let groups = Groups::new().await;
    let [owner] = groups.friends().await;
    let room = groups.private(owner, &[]).await;
    let groups = Groups(groups.with(|app| app.invite_url = None));

    let invite = groups.invite(owner, room, &json!({})).await;

    assert_eq!(
        (&invite["url"], &invite["expires_at"], &invite["max_uses"]),
        (&json!(null), &json!(null), &json!(null))
    );
}

#[tokio::test]
async fn code_lets_anybody_join_a_private_group() {
    let groups = Groups::new().await;
    let [owner] = groups.friends().await;
    let guest = groups.join("guest").await;
    let room = groups.private(owner, &[]).await;
    let invite = groups.invite(owner, room, &json!({"max_uses": 1})).await;
    let code = invite["code"].as_str().unwrap();
    let shown = json!({
        "name": "가족", "description": null, "member_count": 1, "max_members": 100, "is_member": false, "expires_at": null,
    });
    assert_eq!(groups.get(guest, format!("/invites/{code}")).await.parts(), (200, shown));

    let joined = groups.accept(guest, code).await;

    assert_eq!((joined.status, &joined.json()["my_role"]), (200, &json!("member")));
    assert!(groups.may_send(room, guest).await);
    assert_eq!(groups.accept(guest, code).await.status, 200, "a repetition takes no use");
    let other = groups.join("other").await;
    assert_eq!(groups.accept(other, code).await.refusal(), refusal(404, "invite_not_found"), "it is used up");
    assert_eq!(groups.get(other, format!("/invites/{code}")).await.refusal(), refusal(404, "invite_not_found"));
    groups.agree(room, &[owner, guest]).await;
}

#[tokio::test]
async fn late_revoked_and_unknown_codes_answer_alike() {
    let groups = Groups::new().await;
    let [owner] = groups.friends().await;
    let guest = groups.join("guest").await;
    let room = groups.private(owner, &[]).await;
    let (late, revoked) =
        (groups.invite(owner, room, &json!({"expires_in": 60})).await, groups.invite(owner, room, &json!({})).await);
    let path = format!("/group-rooms/{room}/invites/{}", revoked["id"]);
    assert_eq!(groups.delete(owner, &path).await.status, 204);
    assert_eq!(groups.delete(owner, &path).await.status, 204, "a repetition");
    let later =
        Groups(groups.with(|app| app.backend.projector.clock = domain::Clock(|| NOON.plus(Duration::from_mins(1)))));

    let codes = [late["code"].as_str().unwrap(), revoked["code"].as_str().unwrap(), "AAAAAAAAAAAAAAAAAAAAAA", "x", "A"];
    let unknown = later.accept(guest, codes[2]).await;

    assert_eq!(unknown.refusal(), refusal(404, "invite_not_found"));
    for code in codes {
        assert_eq!(later.accept(guest, code).await.text, unknown.text, "{code}");
        assert_eq!(later.get(guest, format!("/invites/{code}")).await.text, unknown.text, "{code}");
    }
}

#[tokio::test]
async fn removed_member_cannot_return_by_an_invite() {
    let groups = Groups::new().await;
    let [owner, kicked, banned] = groups.friends().await;
    let room = groups.private(owner, &[kicked, banned]).await;
    let invite = groups.invite(owner, room, &json!({})).await;
    groups.kick(owner, room, kicked).await;
    groups.ban(owner, room, banned).await;

    for user in [kicked, banned] {
        let answer = groups.accept(user, invite["code"].as_str().unwrap()).await;
        assert_eq!(answer.refusal(), refusal(403, "removed_from_room"), "{user}");
    }
    assert_eq!(groups.get(owner, format!("/group-rooms/{room}/invites")).await.json()["items"][0]["uses"], 0);
}

#[tokio::test]
async fn members_make_and_see_no_invites() {
    let groups = Groups::new().await;
    let [owner, member] = groups.friends().await;
    let stranger = groups.join("stranger").await;
    let room = groups.public(owner, &[member]).await;
    let invite = groups.invite(owner, room, &json!({})).await;
    let path = format!("/group-rooms/{room}/invites");

    for (user, expected) in [(member, refusal(403, "not_permitted")), (stranger, refusal(404, "room_not_found"))] {
        assert_eq!(groups.post(user, &path, &json!({})).await.refusal(), expected);
        assert_eq!(groups.get(user, &path).await.refusal(), expected);
        assert_eq!(groups.delete(user, format!("{path}/{}", invite["id"])).await.refusal(), expected);
    }
}

#[tokio::test]
async fn invite_of_another_group_is_as_unknown_as_a_malformed_id() {
    let groups = Groups::new().await;
    let [owner, other] = groups.friends().await;
    let (room, others) = (groups.private(owner, &[]).await, groups.private(other, &[]).await);
    let invite = groups.invite(other, others, &json!({})).await;

    for id in [invite["id"].to_string(), "2147483648".to_owned(), "x".to_owned()] {
        let answer = groups.delete(owner, format!("/group-rooms/{room}/invites/{id}")).await;
        assert_eq!(answer.refusal(), refusal(404, "invite_not_found"), "{id}");
    }

    assert_eq!(groups.accept(owner, invite["code"].as_str().unwrap()).await.status, 200);
}

#[tokio::test]
async fn group_has_a_hundred_invites_at_most() {
    let groups = Groups::new().await;
    let [owner] = groups.friends().await;
    let room = groups.private(owner, &[]).await;
    let mut last = json!(null);
    for _ in 0..MOST_INVITES {
        last = groups.invite(owner, room, &json!({})).await;
    }
    let path = format!("/group-rooms/{room}/invites");

    let refused = groups.post(owner, &path, &json!({})).await;

    assert_eq!(refused.refusal(), refusal(409, "too_many_invites"));
    groups.delete(owner, format!("{path}/{}", last["id"])).await;
    assert_eq!(groups.post(owner, &path, &json!({})).await.status, 201);
}

#[tokio::test]
async fn bad_fields_of_an_invite_are_named() {
    let groups = Groups::new().await;
    let [owner] = groups.friends().await;
    let room = groups.private(owner, &[]).await;

    for (body, field, reason) in [
        (json!({"expires_in": 59}), "expires_in", "out_of_range"),
        (json!({"expires_in": -1}), "expires_in", "out_of_range"),
        (json!({"max_uses": 0}), "max_uses", "out_of_range"),
        (json!({"max_uses": "1"}), "max_uses", "wrong_type"),
    ] {
        let answer = groups.post(owner, format!("/group-rooms/{room}/invites"), &body).await;
        let error = &answer.json()["errors"][0];
        assert_eq!((answer.status, &error["field"], &error["code"]), (422, &json!(field), &json!(reason)), "{body}");
    }
}

#[tokio::test]
async fn code_is_stored_nowhere() {
    let groups = Groups::new().await;
    let [owner] = groups.friends().await;
    let room = groups.private(owner, &[]).await;
    let invite = groups.invite(owner, room, &json!({})).await;
    let code: credentials::InviteCode = invite["code"].as_str().unwrap().parse().unwrap();

    let by_hash = groups.mysql().invites().find_by_hash(&code.hash(), owner).await.unwrap();
    let by_code = groups.mysql().invites().find_by_hash(&code.reveal(), owner).await.unwrap();

    assert!(by_hash.is_some() && by_code.is_none());
}

#[tokio::test]
async fn invites_end_with_the_role_of_whoever_made_them() {
    let groups = Groups::new().await;
    let [owner, demoted, kicked, banned, left] = groups.friends().await;
    let guest = groups.join("guest").await;
    let admins = [demoted, kicked, banned, left];
    let room = groups.private(owner, &admins).await;
    let kept = groups.invite(owner, room, &json!({})).await;
    let mut codes = Vec::new();
    for admin in admins {
        assert_eq!(groups.appoint(owner, room, admin, "admin").await.status, 200);
        codes.push(groups.invite(admin, room, &json!({})).await["code"].as_str().unwrap().to_owned());
    }

    groups.appoint(owner, room, demoted, "member").await;
    groups.kick(owner, room, kicked).await;
    groups.ban(owner, room, banned).await;
    groups.leave(left, room).await;

    for code in codes {
        assert_eq!(groups.accept(guest, &code).await.refusal(), refusal(404, "invite_not_found"));
    }
    assert_eq!(groups.ids(owner, format!("/group-rooms/{room}/invites")).await, [kept["id"].as_i64().unwrap()]);
    assert_eq!(groups.accept(guest, kept["code"].as_str().unwrap()).await.status, 200);
}

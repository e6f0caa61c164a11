use crate::groups::{Groups, refusal};
use domain::{Purpose, RoomId, UploadId, UploadState, UserId};
use mongo::PictureOf;
use serde_json::{Value, json};
use testkit::{NOON, mongo::Uploaded};

async fn picture(groups: &Groups, owner: UserId, number: u8) -> UploadId {
    Uploaded { purpose: Purpose::GroupPicture, ..Uploaded::by(owner, number) }.make(groups.mongo(), NOON).await
}

fn path(room: RoomId) -> String {
    format!("/group-rooms/{room}/picture")
}

async fn state(groups: &Groups, upload: UploadId) -> UploadState {
    groups.mongo().uploads().find(upload).await.unwrap().unwrap().state
}

#[tokio::test]
async fn staff_gives_the_group_a_picture_and_takes_it_away() {
    let groups = Groups::new().await;
    let [owner, admin, member] = groups.friends().await;
    let room = groups.public(owner, &[admin, member]).await;
    groups.appoint(owner, room, admin, "admin").await;
    let (first, second) = (picture(&groups, admin, 1).await, picture(&groups, owner, 2).await);

    let shown = groups.put(admin, path(room), &json!({"upload_id": first})).await;
    assert_eq!((shown.status, &shown.json()["picture"]["id"]), (200, &json!(first)));
    let replaced = groups.put(owner, path(room), &json!({"upload_id": second})).await;
    assert_eq!(replaced.json()["picture"]["id"], json!(second));
    assert_eq!(
        (state(&groups, first).await, state(&groups, second).await),
        (UploadState::Deleting, UploadState::Attached)
    );
    assert_eq!(groups.show(member, room).await["last_message"]["system"]["kind"], "room_updated");

    for _ in 0..2 {
        assert_eq!(groups.delete(admin, path(room)).await.status, 204);
    }
    assert_eq!(groups.show(member, room).await["picture"], Value::Null);
    assert_eq!(state(&groups, second).await, UploadState::Deleting);
}

#[tokio::test]
async fn members_and_strangers_change_no_picture() {
    let groups = Groups::new().await;
    let [owner, member] = groups.friends().await;
    let stranger = groups.join("stranger").await;
    let room = groups.public(owner, &[member]).await;
    let upload = picture(&groups, member, 1).await;
    let body = json!({"upload_id": upload});

    assert_eq!(groups.put(member, path(room), &body).await.refusal(), refusal(403, "not_permitted"));
    assert_eq!(groups.put(stranger, path(room), &body).await.refusal(), refusal(404, "room_not_found"));
    assert_eq!(groups.delete(member, path(room)).await.refusal(), refusal(403, "not_permitted"));
    assert_eq!(state(&groups, upload).await, UploadState::Ready);
}

#[tokio::test]
async fn picture_is_for_members_and_of_a_public_group_for_everybody() {
    let groups = Groups::new().await;
    let [owner, member] = groups.friends().await;
    let stranger = groups.join("stranger").await;
    let room = groups.public(owner, &[member]).await;
    let upload = picture(&groups, owner, 1).await;
    groups.put(owner, path(room), &json!({"upload_id": upload})).await;
    let wanted = [(PictureOf::Group(room), upload), (PictureOf::Group(room), UploadId([9; 16]))];
    let visible = async |viewer| groups.mongo().uploads().list_visible_pictures(viewer, &wanted).await.unwrap();

    assert_eq!(visible(member).await, wanted[..1]);
    assert_eq!(visible(stranger).await, wanted[..1]);
    groups.put(owner, format!("/group-rooms/{room}"), &json!({"is_private": true})).await;
    assert_eq!(visible(member).await, wanted[..1]);
    assert_eq!(visible(stranger).await, []);
}

#[tokio::test]
async fn picture_of_a_deleted_group_is_deleted() {
    let groups = Groups::new().await;
    let [owner] = groups.friends().await;
    let room = groups.public(owner, &[]).await;
    let upload = picture(&groups, owner, 1).await;
    groups.put(owner, path(room), &json!({"upload_id": upload})).await;

    assert_eq!(groups.delete(owner, format!("/group-rooms/{room}")).await.status, 204);

    assert_eq!(state(&groups, upload).await, UploadState::Deleting);
}

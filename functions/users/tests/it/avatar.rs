use axum::http::Method;
use domain::{Purpose, Timestamp, UploadId, UploadState, UserId};
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{Answer, Door, NOON, PASSWORD, mongo::Uploaded};

const THUMBHASH: &str = "3OcRJYB4d3h/iIeHeEh3eIhw+j2w";

/// An upload for a profile, which is ready.
async fn picture(door: &Door, owner: UserId, number: u8) -> UploadId {
    Uploaded { purpose: Purpose::Avatar, ..Uploaded::by(owner, number) }.make(door.mongo(), NOON).await
}

async fn show(door: &Door, caller: UserId, upload: UploadId) -> Answer {
    door.call(caller, Method::PUT, "/users/me/avatar", &json!({"upload_id": upload})).await
}

async fn take(door: &Door, caller: UserId) -> Answer {
    door.call(caller, Method::DELETE, "/users/me/avatar", &Value::Null).await
}

async fn state(door: &Door, upload: UploadId) -> UploadState {
    door.mongo().uploads().find(upload).await.unwrap().unwrap().state
}

/// The reason why the upload was refused.
fn reason(answer: &Answer) -> Value {
    let errors = &answer.json()["errors"][0];
    assert_eq!((answer.status, &errors["field"]), (422, &json!("upload_id")));
    errors["code"].clone()
}

fn avatar(upload: UploadId) -> Value {
    json!({"id": upload, "thumbhash": THUMBHASH})
}

#[tokio::test]
async fn picture_is_shown_to_whoever_sees_the_profile() {
    let door = Door::new(users::routes).await;
    let (minji, junho) = (door.join("minji").await, door.join("junho").await);
    let upload = picture(&door, minji, 1).await;

    let answer = show(&door, minji, upload).await;

    assert_eq!((answer.status, &answer.json()["avatar"]), (200, &avatar(upload)));
    assert_eq!(door.get(junho, format!("/users/{minji}")).await.json()["avatar"], avatar(upload));
    let known = door.mongo().people().find(minji).await.unwrap().unwrap();
    assert_eq!(known.avatar.map(|avatar| avatar.id), Some(upload));
    assert_eq!(state(&door, upload).await, UploadState::Attached);
}

#[tokio::test]
async fn picture_before_is_deleted() {
    let door = Door::new(users::routes).await;
    let minji = door.join("minji").await;
    let (old, new) = (picture(&door, minji, 1).await, picture(&door, minji, 2).await);
    show(&door, minji, old).await;

    assert_eq!(show(&door, minji, new).await.json()["avatar"], avatar(new));

    assert_eq!((state(&door, old).await, state(&door, new).await), (UploadState::Deleting, UploadState::Attached));
    assert_eq!(reason(&show(&door, minji, old).await), "not_found");
}

#[tokio::test]
async fn same_picture_again_changes_nothing() {
    let door = Door::new(users::routes).await;
    let minji = door.join("minji").await;
    let upload = picture(&door, minji, 1).await;
    let first = show(&door, minji, upload).await;

    let again = show(&door, minji, upload).await;

    assert_eq!(again.parts(), first.parts());
    assert_eq!(state(&door, upload).await, UploadState::Attached);
}

#[tokio::test]
async fn picture_is_taken_away_once() {
    let door = Door::new(users::routes).await;
    let minji = door.join("minji").await;
    let upload = picture(&door, minji, 1).await;
    show(&door, minji, upload).await;

    for _ in 0..2 {
        assert_eq!(take(&door, minji).await.status, 204);
    }

    assert_eq!(door.get(minji, "/users/me").await.json()["avatar"], Value::Null);
    assert_eq!(door.mongo().people().find(minji).await.unwrap().unwrap().avatar, None);
    assert_eq!(state(&door, upload).await, UploadState::Deleting);
}

#[tokio::test]
async fn only_own_inspected_avatars_are_shown() {
    let door = Door::new(users::routes).await;
    let (minji, junho) = (door.join("minji").await, door.join("junho").await);
    let make = async |uploaded: Uploaded| uploaded.make(door.mongo(), NOON).await;
    let theirs = picture(&door, junho, 1).await;
    let for_message = make(Uploaded::by(minji, 2)).await;
    let early = Uploaded { purpose: Purpose::Avatar, state: UploadState::Uploaded, ..Uploaded::by(minji, 3) };
    let early = make(early).await;
    let damaged = Uploaded { purpose: Purpose::Avatar, state: UploadState::Rejected, ..Uploaded::by(minji, 4) };
    let damaged = make(damaged).await;

    for (upload, expected) in [
        (UploadId([9; 16]), "not_found"),
        (theirs, "not_found"),
        (for_message, "unsupported"),
        (damaged, "unsupported"),
    ] {
        assert_eq!(reason(&show(&door, minji, upload).await), expected);
    }
    assert_eq!(show(&door, minji, early).await.refusal().1, "upload_not_ready");
    assert_eq!(door.get(minji, "/users/me").await.json()["avatar"], Value::Null);
}

#[tokio::test]
async fn one_of_twenty_pictures_at_once_is_left() {
    let door = Door::new(users::routes).await;
    let minji = door.join("minji").await;
    let mut uploads = Vec::new();
    for number in 0..20 {
        uploads.push(picture(&door, minji, number).await);
    }

    let each = uploads.clone();
    let answers = door
        .at_once(20, move |door, number| {
            let upload = each[number];
            async move { show(&door, minji, upload).await }
        })
        .await;

    assert!(answers.iter().all(|(_, answer)| answer.status == 200));
    let shown = door.mongo().people().find(minji).await.unwrap().unwrap().avatar.unwrap().id;
    for upload in uploads {
        let expected = if upload == shown { UploadState::Attached } else { UploadState::Deleting };
        assert_eq!(state(&door, upload).await, expected);
    }
}

async fn sweep(door: &Door, now: Timestamp) {
    let uploads = door.mongo().uploads();
    for due in uploads.list_due(now, 100).await.unwrap() {
        if due.upload.state != UploadState::Deleting {
            uploads.settle_picture(&due, now).await.unwrap();
        }
    }
}

#[tokio::test]
async fn picture_of_a_writer_who_died_is_kept_or_let_go() {
    let door = Door::new(users::routes).await;
    let minji = door.join("minji").await;
    let (shown, lost) = (picture(&door, minji, 1).await, picture(&door, minji, 2).await);
    let of = mongo::PictureOf::Person(minji);
    show(&door, minji, shown).await;
    door.mongo().uploads().claim_picture(of, minji, lost, NOON).await.unwrap();

    sweep(&door, NOON.plus(Duration::from_mins(11))).await;
    assert_eq!((state(&door, shown).await, state(&door, lost).await), (UploadState::Attached, UploadState::Ready));
    sweep(&door, NOON.plus(Duration::from_hours(25))).await;

    assert_eq!((state(&door, shown).await, state(&door, lost).await), (UploadState::Attached, UploadState::Deleting));
}

#[tokio::test]
async fn picture_of_a_deleted_account_is_gone() {
    let door = Door::new(users::routes).await;
    let minji = door.join("minji").await;
    door.log_in(minji).await;
    show(&door, minji, picture(&door, minji, 1).await).await;
    let body = json!({"password": PASSWORD});

    assert_eq!(door.call(minji, Method::DELETE, "/users/me", &body).await.status, 202);

    assert_eq!(door.mongo().people().find(minji).await.unwrap().unwrap().avatar, None);
}

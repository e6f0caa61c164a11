use crate::{Desk, HASH, MIB, MINJI, STRANGER, id_of, picture, refused, video};
use domain::UploadLimits;
use serde_json::json;
use std::time::Duration;
use testkit::{NOON, limits_of};

#[tokio::test]
async fn upload_says_how_to_send_the_file() {
    let desk = Desk::new().await;

    let made = desk.create(MINJI, &picture("c")).await;

    assert_eq!(made.status, 201);
    let mut shown = made.json();
    let mut put = shown["put"].take();
    let (id, url) = (id_of(&made), put["url"].take());
    let expected = json!({
        "id": id, "state": "pending", "kind": "image", "purpose": "message", "name": "사진.jpg", "size": 1_000,
        "expires_at": NOON.plus(Duration::from_hours(24)), "put": null,
    });
    assert_eq!(shown, expected);
    assert!(url.as_str().unwrap().contains(&format!("/uploads/{id}?")), "{url}");
    assert_eq!(put["expires_at"], json!(NOON.plus(Duration::from_mins(15))));
    for (name, value) in [
        ("content-length", "1000"),
        ("content-type", "application/octet-stream"),
        ("if-none-match", "*"),
        ("x-amz-checksum-sha256", HASH),
    ] {
        assert_eq!(put["headers"][name], value, "{name}");
    }
    let again = desk.show(MINJI, id).await;
    assert_eq!((again.status, &again.json()["put"]["url"]), (200, &url), "the same link for a minute");
}

#[tokio::test]
async fn same_client_id_is_the_same_upload() {
    let desk = Desk::new().await;
    let made = desk.create(MINJI, &picture("c")).await;

    let again = desk.create(MINJI, &picture("c")).await;
    let other = desk.create(STRANGER, &picture("c")).await;

    assert_eq!((again.status, again.json()), (200, made.json()));
    assert_eq!(other.status, 201);
    assert_ne!(id_of(&other), id_of(&made));
    for (field, value) in
        [("size", json!(1_001)), ("name", json!("b.jpg")), ("purpose", json!("avatar")), ("type", json!("image/png"))]
    {
        let mut changed = picture("c");
        changed[field] = value;
        assert_eq!(desk.create(MINJI, &changed).await.refusal(), refused(409, "client_id_reused"), "{field}");
    }
    assert_eq!(desk.counted().await, Some((1, 1_000)));
}

#[tokio::test]
async fn twenty_requests_with_one_client_id_make_one_upload() {
    let desk = Desk::new().await;

    let answers = desk.at_once(20, "/uploads".to_owned(), |_| picture("c")).await;

    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    let first = id_of(&answers[0]);
    assert!(answers.iter().all(|answer| answer.status < 300 && id_of(answer) == first));
    assert_eq!(desk.counted().await, Some((1, 1_000)));
}

#[tokio::test]
async fn concurrent_requests_never_exceed_the_quota() {
    let desk = Desk::new().await;
    for (limits, first) in [
        (UploadLimits { open: 7, ..UploadLimits::default() }, 0),
        (UploadLimits { stored_bytes: 9_999, ..UploadLimits::default() }, 100),
    ] {
        let limited = desk.with(|app| app.upload_limits = limits);
        for answer in limited.at_once(20, "/uploads".to_owned(), |n| picture(&(first + n).to_string())).await {
            assert!(answer.status == 201 || answer.refusal() == refused(403, "quota_exceeded"), "{}", answer.text);
        }
    }
    // Seven by their number, and then two more by their bytes.
    assert_eq!(desk.counted().await, Some((9, 9_000)));
}

#[tokio::test]
async fn uploads_are_limited_per_user() {
    let desk = Desk::new().await.with(|app| app.limits = limits_of(2, 1));
    for n in 0..2 {
        assert_eq!(desk.create(MINJI, &picture(&n.to_string())).await.status, 201);
    }
    assert_eq!(desk.create(MINJI, &picture("x")).await.refusal(), refused(429, "rate_limited"));
    assert_eq!(desk.counted().await, Some((2, 2_000)));
}

#[tokio::test]
async fn what_cannot_be_is_refused_before_anything_is_counted() {
    let desk = Desk::new().await;
    for (field, value) in [
        ("type", json!("image/heic")),
        ("type", json!("image/svg+xml")),
        ("size", json!(26 * MIB)),
        ("name", json!("..")),
    ] {
        let mut wrong = picture("c");
        wrong[field] = value;
        let answer = desk.create(MINJI, &wrong).await;
        assert_eq!(answer.refusal(), refused(422, "invalid_fields"));
        assert_eq!(answer.json()["errors"][0]["field"], field);
    }
    assert_eq!(desk.counted().await, None);
}

#[tokio::test]
async fn creation_costs_four_commands_and_a_repetition_two() {
    let desk = Desk::new().await;
    let mut profile = desk.profile().await;

    // The gate, whether it is there, the reservation, the row.
    desk.create(MINJI, &picture("c")).await;
    assert_eq!(profile.count().await, 4);
    desk.create(MINJI, &picture("c")).await;
    assert_eq!(profile.count().await, 2);
    let id = desk.begin(&video("d")).await;
    assert_eq!(profile.count().await, 4);
    // The gate and the row.
    desk.show(MINJI, id).await;
    assert_eq!(profile.count().await, 2);
}

#[tokio::test]
async fn name_is_what_stands_behind_the_last_slash() {
    let desk = Desk::new().await;
    let mut body = picture("c");
    body["name"] = json!("../../etc/\u{202e}gpj.사진");
    let id = desk.begin(&body).await;
    assert_eq!(desk.show(MINJI, id).await.json()["name"], "gpj.사진");
}

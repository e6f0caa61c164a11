use crate::{Desk, HASH, MINJI, STRANGER, picture, refused, video};
use domain::{MalwareScan, Media, UploadId};
use mongo::{Inspection, Leased};
use mongodb::bson::doc;
use serde_json::{Value, json};
use testkit::NOON;

impl Desk {
    /// An upload of Minji's that was inspected.
    async fn ready(&self, client_id: &str) -> UploadId {
        let id = self.begin(&picture(client_id)).await;
        self.s3.upload(id, 1_000);
        assert_eq!(self.complete(MINJI, id).await.status, 200);
        let uploads = self.app().mongo.uploads();
        let Leased::Mine(lease) = uploads.lease(id, MalwareScan::None, NOON).await.unwrap() else {
            unreachable!("nobody inspects it")
        };
        let media = Media { media_type: "image/jpeg".to_owned(), size: 990, ..Media::default() };
        uploads.finish(&lease, &Inspection::Ready { media, objects: id.keys().to_vec() }, NOON).await.unwrap().unwrap();
        id
    }
}

#[tokio::test]
async fn file_is_complete_once_it_has_arrived() {
    let desk = Desk::new().await;
    let id = desk.begin(&picture("c")).await;
    assert_eq!(desk.complete(MINJI, id).await.refusal(), refused(409, "upload_incomplete"));
    desk.s3.upload(id, 1_000);

    for _ in 0..2 {
        let complete = desk.complete(MINJI, id).await;
        let expected = json!({
            "id": id, "state": "uploaded", "kind": "image", "purpose": "message", "name": "사진.jpg", "size": 1_000,
        });
        assert_eq!(complete.parts(), (200, expected));
    }
}

#[tokio::test]
async fn file_of_another_size_never_completes() {
    let desk = Desk::new().await;
    let id = desk.begin(&picture("c")).await;
    desk.s3.upload(id, 999);
    assert_eq!(desk.complete(MINJI, id).await.refusal(), refused(409, "upload_incomplete"));
}

#[tokio::test]
async fn twenty_concurrent_completions_of_one_file_succeed() {
    let desk = Desk::new().await;
    let id = desk.begin(&picture("c")).await;
    desk.s3.upload(id, 1_000);

    for answer in desk.at_once(20, format!("/uploads/{id}/complete"), |_| Value::Null).await {
        assert_eq!((answer.status, &answer.json()["state"]), (200, &json!("uploaded")));
    }
}

#[tokio::test]
async fn ready_upload_shows_what_a_message_will_show() {
    let desk = Desk::new().await;
    let id = desk.ready("c").await;

    let shown = desk.show(MINJI, id).await.json();

    assert_eq!(shown["state"], "ready");
    let attachment = json!({ "id": id, "kind": "image", "name": "사진.jpg", "size": 990, "type": "image/jpeg" });
    assert_eq!(shown["attachment"], attachment);
    assert_eq!(desk.create(MINJI, &picture("c")).await.json(), shown, "the same client_id again");
    assert_eq!(desk.complete(MINJI, id).await.json(), shown);
}

#[tokio::test]
async fn deleted_upload_is_gone_at_once() {
    let desk = Desk::new().await;
    for id in [desk.begin(&picture("a")).await, desk.begin(&video("b")).await, desk.ready("c").await] {
        assert_eq!(desk.delete(STRANGER, id).await.refusal(), refused(404, "upload_not_found"));
        assert_eq!(desk.delete(MINJI, id).await.status, 204);
        assert_eq!(desk.delete(MINJI, id).await.status, 204, "again");
        assert_eq!(desk.show(MINJI, id).await.refusal(), refused(404, "upload_not_found"));
        assert_eq!(desk.complete(MINJI, id).await.refusal(), refused(404, "upload_not_found"));
    }
    assert_eq!(desk.create(MINJI, &picture("c")).await.status, 201, "its client_id is free");
}

#[tokio::test]
async fn upload_that_something_has_is_not_deleted() {
    let desk = Desk::new().await;
    let id = desk.ready("c").await;
    let attached = doc! { "state": "attached", "holder": "m" };
    testkit::mongo::set(desk.mongo_url(), "uploads", id.to_string(), attached).await;

    assert_eq!(desk.delete(MINJI, id).await.refusal(), refused(409, "upload_taken"));
    assert_eq!(desk.show(MINJI, id).await.json()["state"], "attached");
}

#[tokio::test]
async fn store_of_files_that_is_away_keeps_nobody_from_beginning() {
    let desk = Desk::new().await;
    let (small, large) = (desk.begin(&picture("a")).await, desk.begin(&video("b")).await);
    let parts = json!({ "parts": [{ "number": 1, "sha256": HASH }] });
    desk.s3.set_away(true);

    assert_eq!(desk.create(MINJI, &picture("c")).await.status, 201);
    assert_eq!(desk.complete(MINJI, small).await.refusal(), refused(503, "unavailable"));
    let answer = desk.post(MINJI, format!("/uploads/{large}/parts"), &parts).await;
    assert_eq!(answer.refusal(), refused(503, "unavailable"));

    desk.s3.set_away(false);
    assert_eq!(desk.post(MINJI, format!("/uploads/{large}/parts"), &parts).await.status, 200);
    assert_eq!(desk.complete(MINJI, small).await.refusal(), refused(409, "upload_incomplete"));
}

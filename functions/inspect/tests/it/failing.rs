use crate::scene::{ANNA, PICTURE, later, scene};
use domain::{Purpose, Rejection, UploadKind, UploadState};
use mongo::Ended;
use serde_json::json;
use testkit::{NOON, errors};

#[tokio::test]
async fn upload_whose_event_is_lost_is_found_and_one_that_fails_is_given_up() {
    let mut scene = scene().await;
    let everybody = json!({ "catch_up": true });
    let (id, event) = scene.upload(UploadKind::Image, Purpose::Message, "a.jpg", PICTURE).await;
    let etag = event["detail"]["object"]["etag"].as_str().unwrap();
    let size = u64::try_from(PICTURE.len()).unwrap();
    scene.inspection.mongo.uploads().arrive(id, size, etag, NOON).await.unwrap().unwrap();
    scene.inspection.clock = later(29);
    assert_eq!(scene.answer(&everybody).await, 0, "its event may still come");

    scene.s3.set_away(true);
    let told = errors(async || {
        for seconds in [31, 31 + 76, 31 + 2 * 76] {
            scene.inspection.clock = later(seconds);
            assert!(scene.inspection.answer(&serde_json::from_value(everybody.clone()).unwrap()).await.is_err());
            assert_eq!(scene.find(id).await.state, UploadState::Uploaded);
            assert_eq!(scene.answer(&everybody).await, 0, "it is leased");
        }
        scene.s3.set_away(false);
        scene.inspection.clock = later(31 + 3 * 76);
        assert_eq!(scene.answer(&everybody).await, 1);
    });
    assert_eq!(told.await.len(), 1, "faults are logged by whoever asked, and what is given up here");
    let upload = scene.find(id).await;
    assert_eq!((upload.state, upload.reason), (UploadState::Rejected, Some(Rejection::InspectionFailed)));
    assert_eq!(scene.pushed.next().1["d"]["reason"], "inspection_failed");
}

#[tokio::test]
async fn other_bytes_than_those_that_arrived_are_not_inspected() {
    let scene = scene().await;
    let (id, event) = scene.upload(UploadKind::Image, Purpose::Message, "a.jpg", PICTURE).await;
    scene.s3.put(id, b"something else");
    assert!(scene.inspection.answer(&serde_json::from_value(event).unwrap()).await.is_err());
    assert_eq!(scene.find(id).await.state, UploadState::Uploaded);
    assert!(scene.s3.served().is_empty());
}

#[tokio::test]
async fn deleted_upload_is_not_inspected() {
    let scene = scene().await;
    let (id, event) = scene.upload(UploadKind::Image, Purpose::Message, "a.jpg", PICTURE).await;
    let ended = scene.inspection.mongo.uploads().end_own(ANNA, id, NOON).await.unwrap();
    assert!(matches!(ended, Ended::Done), "{ended:?}");
    assert_eq!(scene.answer(&event).await, 0);
    assert!(scene.s3.served().is_empty());
    assert_eq!(scene.pushed.count(), 0);
}

#[tokio::test]
async fn other_objects_and_other_sizes_are_left() {
    let scene = scene().await;
    let (id, mut event) = scene.upload(UploadKind::Image, Purpose::Message, "a.jpg", PICTURE).await;
    event["detail"]["object"]["size"] = json!(5);
    assert_eq!(scene.answer(&event).await, 0);
    assert_eq!(scene.find(id).await.state, UploadState::Pending);
    event["detail"]["object"]["key"] = json!("a.jpg");
    assert_eq!(scene.answer(&event).await, 0);
}

//! Uploads that are scanned for malware: two events, which come in any order, twice, late or never.

use crate::scene::{PICTURE, Scene, scanned, scanned_scene, scene};
use domain::{Clock, MalwareScan, Purpose, Rejection, ScanResult, Upload, UploadId, UploadKind, UploadState};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{NOON, errors, mongo::Profile};

const CLEAN: &str = "NO_THREATS_FOUND";
const MALWARE: &str = "THREATS_FOUND";

impl Scene {
    async fn picture(&self) -> (UploadId, Value) {
        self.upload(UploadKind::Image, Purpose::Message, "a.jpg", PICTURE).await
    }

    /// Looks at what should be over at the moment; answers how many uploads that were.
    async fn catch_up(&self) -> u16 {
        self.answer(&json!({ "catch_up": true })).await
    }
}

fn outcome(upload: &Upload) -> (UploadState, Option<Rejection>) {
    (upload.state, upload.reason)
}

#[tokio::test]
async fn file_is_ready_once_its_scan_found_nothing() {
    let scene = scanned_scene().await;
    let (id, arrived) = scene.picture().await;

    assert_eq!(scene.answer(&arrived).await, 0);
    assert_eq!(scene.find(id).await.state, UploadState::Uploaded);
    assert!(scene.s3.asked().is_empty(), "nothing is read before");
    assert_eq!(scene.answer(&scanned(&arrived, CLEAN)).await, 1);

    assert_eq!(outcome(&scene.find(id).await), (UploadState::Ready, None));
    assert_eq!(scene.pushed.next().1["t"], "upload.ready");
}

#[tokio::test]
async fn scan_may_be_told_before_the_arrival() {
    let scene = scanned_scene().await;
    let (id, arrived) = scene.picture().await;

    assert_eq!(scene.answer(&scanned(&arrived, CLEAN)).await, 0);
    assert_eq!(scene.find(id).await.state, UploadState::Pending);
    assert_eq!(scene.answer(&arrived).await, 1);

    assert_eq!(scene.find(id).await.state, UploadState::Ready);
}

#[tokio::test]
async fn malware_is_refused_unread_in_either_order() {
    let scene = scanned_scene().await;
    for scan_is_first in [false, true] {
        let (id, arrived) = scene.upload(UploadKind::File, Purpose::Message, "a.exe", b"MZ").await;
        let mut events = [arrived.clone(), scanned(&arrived, MALWARE)];
        if scan_is_first {
            events.reverse();
        }
        let told = errors(async || {
            assert_eq!((scene.answer(&events[0]).await, scene.answer(&events[1]).await), (0, 1));
        });
        assert!(told.await.is_empty(), "malware is no fault");

        assert_eq!(outcome(&scene.find(id).await), (UploadState::Rejected, Some(Rejection::Malware)));
        let frame = scene.pushed.next().1;
        assert_eq!((&frame["t"], &frame["d"]["reason"]), (&"upload.rejected".into(), &"malware".into()));
    }
    assert!(scene.s3.asked().is_empty() && scene.s3.served().is_empty());
}

#[tokio::test]
async fn file_that_can_not_be_scanned_is_refused_with_an_alarm() {
    let scene = scanned_scene().await;
    for word in ["UNSUPPORTED", "ACCESS_DENIED", "FAILED", "SOMETHING_NEW"] {
        let (id, arrived) = scene.picture().await;
        scene.answer(&arrived).await;

        let told = errors(async || assert_eq!(scene.answer(&scanned(&arrived, word)).await, 1, "{word}")).await;

        assert_eq!(told.len(), 1, "{word}");
        let expected = (UploadState::Rejected, Some(Rejection::InspectionFailed));
        assert_eq!(outcome(&scene.find(id).await), expected, "{word}");
    }
    assert!(scene.s3.asked().is_empty());
}

#[tokio::test]
async fn file_whose_scan_never_ends_is_refused_after_a_quarter_of_an_hour() {
    let mut scene = scanned_scene().await;
    let (id, arrived) = scene.picture().await;
    scene.answer(&arrived).await;
    scene.inspection.clock = Clock(|| NOON.plus(Duration::from_secs(899)));
    assert_eq!((scene.catch_up().await, scene.answer(&arrived).await), (0, 0), "it still may end");

    scene.inspection.clock = Clock(|| NOON.plus(Duration::from_mins(15)));
    let told = errors(async || assert_eq!(scene.catch_up().await, 1)).await;

    assert_eq!(told.len(), 1);
    assert_eq!(outcome(&scene.find(id).await), (UploadState::Rejected, Some(Rejection::InspectionFailed)));
    assert_eq!(scene.pushed.next().1["d"]["reason"], "inspection_failed");
    assert_eq!(scene.answer(&scanned(&arrived, CLEAN)).await, 0, "too late");
    assert_eq!(scene.find(id).await.state, UploadState::Rejected);
}

#[tokio::test]
async fn result_whose_reader_died_is_found_by_the_schedule() {
    let mut scene = scanned_scene().await;
    let (id, arrived) = scene.picture().await;
    scene.answer(&arrived).await;
    let etag = arrived["detail"]["object"]["etag"].as_str().unwrap();
    scene.inspection.mongo.uploads().note_scan(id, etag, ScanResult::Clean, NOON).await.unwrap();

    scene.inspection.clock = Clock(|| NOON.plus(Duration::from_secs(30)));
    assert_eq!(scene.catch_up().await, 1);

    assert_eq!(scene.find(id).await.state, UploadState::Ready);
}

#[tokio::test]
async fn of_many_events_of_both_kinds_one_inspects() {
    let scene = scanned_scene().await;
    for _ in 0..5 {
        let read = scene.s3.asked().len();
        let (id, arrived) = scene.picture().await;
        let scan = scanned(&arrived, CLEAN);
        let events = (0..20).map(|number| if number % 2 == 0 { &arrived } else { &scan });

        let inspected = join_all(events.map(|event| scene.answer(event))).await;

        assert_eq!(inspected.iter().sum::<u16>(), 1);
        assert_eq!(scene.find(id).await.state, UploadState::Ready);
        assert_eq!(scene.s3.asked().len() - read, 3, "one reading, two objects");
        assert_eq!((scene.answer(&arrived).await, scene.answer(&scan).await), (0, 0), "late ones find nothing to do");
    }
}

#[tokio::test]
async fn of_many_events_of_malware_one_refuses() {
    let scene = scanned_scene().await;
    let (id, arrived) = scene.picture().await;
    let scan = scanned(&arrived, MALWARE);
    let events = (0..20).map(|number| if number % 2 == 0 { &arrived } else { &scan });

    let refused = join_all(events.map(|event| scene.answer(event))).await;

    assert_eq!(refused.iter().sum::<u16>(), 1);
    assert_eq!(scene.find(id).await.reason, Some(Rejection::Malware));
    assert_eq!(scene.pushed.count(), 2, "each of the owner's connections once");
}

#[tokio::test]
async fn scan_of_other_bytes_says_nothing() {
    let scene = scanned_scene().await;
    let (id, arrived) = scene.picture().await;
    let mut other = scanned(&arrived, CLEAN);
    other["detail"]["s3ObjectDetails"]["eTag"] = json!("another");

    for event in [&other, &arrived, &other] {
        assert_eq!(scene.answer(event).await, 0);
    }

    assert_eq!(scene.find(id).await.state, UploadState::Uploaded);
    assert_eq!(scene.answer(&scanned(&arrived, CLEAN)).await, 1);
}

#[tokio::test]
async fn malware_that_is_found_after_all_is_told_to_the_operator() {
    let scene = scanned_scene().await;
    let (id, arrived) = scene.picture().await;
    scene.answer(&arrived).await;
    scene.answer(&scanned(&arrived, CLEAN)).await;

    let told = errors(async || assert_eq!(scene.answer(&scanned(&arrived, MALWARE)).await, 0)).await;

    assert_eq!(told.len(), 1);
    assert_eq!(scene.find(id).await.state, UploadState::Ready);
}

#[tokio::test]
async fn what_the_scanner_writes_itself_is_left() {
    let scene = scanned_scene().await;
    let key = "malware-protection-resource-validation-object";
    let arrived = json!({ "detail": { "object": { "key": key, "size": 5, "etag": "x" } } });
    assert_eq!((scene.answer(&arrived).await, scene.answer(&scanned(&arrived, CLEAN)).await), (0, 0));
    assert!(scene.s3.asked().is_empty());
}

#[tokio::test]
async fn uploads_under_way_outlive_that_the_scan_is_switched_off() {
    let mut scene = scanned_scene().await;
    let (id, arrived) = scene.picture().await;
    assert_eq!(scene.answer(&arrived).await, 0);

    scene.inspection.scan = MalwareScan::None;
    scene.inspection.clock = Clock(|| NOON.plus(Duration::from_mins(15)));
    assert_eq!(scene.catch_up().await, 1);

    assert_eq!(outcome(&scene.find(id).await), (UploadState::Ready, None));
}

#[tokio::test]
async fn uploads_under_way_outlive_that_the_scan_is_switched_on() {
    let mut scene = scene().await;
    let ((id, arrived), (infected, other)) = (scene.picture().await, scene.picture().await);
    // The scanner is there before the function knows of it.
    assert_eq!(scene.answer(&scanned(&arrived, CLEAN)).await, 0);
    assert_eq!(scene.answer(&scanned(&other, MALWARE)).await, 0);
    assert_eq!(scene.answer(&other).await, 1);
    assert_eq!(scene.find(infected).await.reason, Some(Rejection::Malware), "what is known counts");

    scene.inspection.scan = MalwareScan::GuardDuty;
    assert_eq!(scene.answer(&arrived).await, 1);

    assert_eq!(outcome(&scene.find(id).await), (UploadState::Ready, None));
}

#[tokio::test]
async fn scan_adds_an_operation_of_the_store_to_each_event() {
    let scene = scanned_scene().await;
    let (_, arrived) = scene.upload(UploadKind::File, Purpose::Message, "a.bin", b"\0\x01").await;
    let mut profile = Profile::of(&scene.database).await;
    scene.answer(&arrived).await;
    assert_eq!(profile.count().await, 2, "arrival, lease");
    scene.answer(&scanned(&arrived, CLEAN)).await;
    assert_eq!(profile.count().await, 4, "scan, lease, result, connections");
}

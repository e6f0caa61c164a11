//! Scans for malware, whose results race with what else becomes of an upload.

use crate::scene::{ANNA, AT, environments, scene};
use domain::{MalwareScan, Media, Rejection, ScanResult, Timestamp, UploadId, UploadState};
use futures_util::future::join_all;
use mongo::{Inspection, Leased, Mongo, Refusal};
use std::time::Duration;
use testkit::mongo::Uploaded;

const ON: MalwareScan = MalwareScan::GuardDuty;
const OFF: MalwareScan = MalwareScan::None;

/// What `Uploaded` brings.
const SIZE: u64 = 1_000;
const ETAG: &str = "etag";

const QUARTER: Duration = Duration::from_mins(15);

fn later(seconds: u64) -> Timestamp {
    AT.plus(Duration::from_secs(seconds))
}

async fn upload(mongo: &Mongo, number: u8, state: UploadState) -> UploadId {
    Uploaded { state, ..Uploaded::by(ANNA, number) }.make(mongo, AT).await
}

async fn note(mongo: &Mongo, id: UploadId, result: ScanResult) -> bool {
    mongo.uploads().note_scan(id, ETAG, result, AT).await.unwrap()
}

async fn lease(mongo: &Mongo, id: UploadId, scan: MalwareScan, at: Timestamp) -> Leased {
    mongo.uploads().lease(id, scan, at).await.unwrap()
}

fn refusal(leased: &Leased) -> Option<(Refusal, Option<Rejection>)> {
    match leased {
        Leased::Refused(upload, why) => Some((*why, upload.reason)),
        Leased::Mine(_) | Leased::Not => None,
    }
}

async fn state(mongo: &Mongo, id: UploadId) -> UploadState {
    mongo.uploads().find(id).await.unwrap().unwrap().state
}

/// What twenty get for an upload who note its arrival or this result at once; ten uploads, one after the other.
async fn raced(result: ScanResult) -> Vec<Vec<Leased>> {
    let database = scene().await;
    let environments = environments(&database, 20).await;
    let mut races = Vec::new();
    for number in 0..10 {
        let id = upload(&database.mongo, number, UploadState::Pending).await;
        let leases = environments.iter().enumerate().map(async |(number, mongo)| {
            if number % 2 == 0 {
                mongo.uploads().arrive(id, SIZE, ETAG, AT).await.unwrap();
            } else {
                note(mongo, id, result).await;
            }
            lease(mongo, id, ON, AT).await
        });
        races.push(join_all(leases).await);
    }
    races
}

#[tokio::test]
async fn whichever_of_arrival_and_scan_comes_last_one_inspects() {
    for leased in raced(ScanResult::Clean).await {
        assert_eq!(leased.iter().filter(|leased| matches!(leased, Leased::Mine(_))).count(), 1);
        assert!(leased.iter().all(|leased| refusal(leased).is_none()));
    }
}

#[tokio::test]
async fn whichever_of_arrival_and_malware_comes_last_one_refuses() {
    for leased in raced(ScanResult::Malware).await {
        let refused: Vec<_> = leased.iter().filter_map(refusal).collect();
        assert_eq!(refused, [(Refusal::Malware, Some(Rejection::Malware))]);
        assert!(!leased.iter().any(|leased| matches!(leased, Leased::Mine(_))));
    }
}

#[tokio::test]
async fn upload_waits_a_quarter_of_an_hour_for_its_scan() {
    let database = scene().await;
    let (mongo, uploads) = (&database.mongo, database.mongo.uploads());
    let id = upload(mongo, 1, UploadState::Uploaded).await;
    for at in [AT, later(30), later(899)] {
        assert!(matches!(lease(mongo, id, ON, at).await, Leased::Not));
        assert_eq!(uploads.find(id).await.unwrap().unwrap().due_at, Some(AT.plus(QUARTER)));
    }
    assert_eq!(uploads.list_uninspected(later(899), 5).await.unwrap(), []);
    assert_eq!(uploads.list_uninspected(later(900), 5).await.unwrap(), [id]);

    let refused = lease(mongo, id, ON, later(900)).await;

    assert_eq!(refusal(&refused), Some((Refusal::NoScan, Some(Rejection::InspectionFailed))));
    let due_at = uploads.find(id).await.unwrap().unwrap().due_at;
    assert_eq!(due_at, Some(later(900 + 3_600)));
    assert!(!note(mongo, id, ScanResult::Clean).await, "too late");
    assert!(matches!(lease(mongo, id, ON, later(901)).await, Leased::Not));
}

#[tokio::test]
async fn result_counts_however_late_it_is_read() {
    let database = scene().await;
    let mongo = &database.mongo;
    let id = upload(mongo, 1, UploadState::Uploaded).await;
    lease(mongo, id, ON, AT).await;
    note(mongo, id, ScanResult::Clean).await;
    assert_eq!(mongo.uploads().list_uninspected(later(29), 5).await.unwrap(), []);
    assert_eq!(mongo.uploads().list_uninspected(later(30), 5).await.unwrap(), [id], "its reader may have died");

    assert!(matches!(lease(mongo, id, ON, later(10_000)).await, Leased::Mine(_)));
}

#[tokio::test]
async fn scan_that_failed_refuses_where_scans_are_asked_for() {
    let database = scene().await;
    let mongo = &database.mongo;
    let [on, off] = [upload(mongo, 1, UploadState::Uploaded).await, upload(mongo, 2, UploadState::Uploaded).await];
    for id in [on, off] {
        assert!(note(mongo, id, ScanResult::Failed).await);
    }

    let refused = lease(mongo, on, ON, AT).await;
    assert_eq!(refusal(&refused), Some((Refusal::ScanFailed, Some(Rejection::InspectionFailed))));
    assert!(matches!(lease(mongo, off, OFF, AT).await, Leased::Mine(_)));
}

#[tokio::test]
async fn first_result_stands_and_malware_always_counts() {
    let database = scene().await;
    let mongo = &database.mongo;
    for (number, state) in [(1, UploadState::Pending), (2, UploadState::Uploaded)] {
        let id = upload(mongo, number, state).await;
        assert!(note(mongo, id, ScanResult::Clean).await);
        assert!(!note(mongo, id, ScanResult::Clean).await, "again");
        assert!(!note(mongo, id, ScanResult::Failed).await);
        assert!(note(mongo, id, ScanResult::Malware).await);
        assert!(!note(mongo, id, ScanResult::Clean).await);
        mongo.uploads().arrive(id, SIZE, ETAG, AT).await.unwrap();

        let refused = lease(mongo, id, ON, AT).await;

        assert_eq!(refusal(&refused), Some((Refusal::Malware, Some(Rejection::Malware))));
    }
}

#[tokio::test]
async fn scan_of_other_bytes_says_nothing() {
    let database = scene().await;
    let (mongo, uploads) = (&database.mongo, database.mongo.uploads());
    let (early, late) = (upload(mongo, 1, UploadState::Pending).await, upload(mongo, 2, UploadState::Uploaded).await);
    for result in [ScanResult::Clean, ScanResult::Malware] {
        assert!(uploads.note_scan(early, "other", result, AT).await.unwrap(), "nobody knows yet which bytes arrive");
        assert!(!uploads.note_scan(late, "other", result, AT).await.unwrap());
    }
    uploads.arrive(early, SIZE, ETAG, AT).await.unwrap();

    for id in [early, late] {
        assert!(matches!(lease(mongo, id, ON, AT).await, Leased::Not));
        assert!(note(mongo, id, ScanResult::Clean).await);
        assert!(matches!(lease(mongo, id, ON, AT).await, Leased::Mine(_)));
    }
}

#[tokio::test]
async fn malware_found_during_an_inspection_ends_it() {
    let database = scene().await;
    let (mongo, uploads) = (&database.mongo, database.mongo.uploads());
    let id = upload(mongo, 1, UploadState::Uploaded).await;
    let Leased::Mine(mine) = lease(mongo, id, OFF, AT).await else { unreachable!("it is free") };
    assert!(note(mongo, id, ScanResult::Malware).await);

    let ready = Inspection::Ready { media: Media::default(), objects: Vec::new() };
    assert_eq!(uploads.finish(&mine, &ready, AT).await.unwrap(), None);

    assert_eq!(uploads.list_uninspected(later(75), 5).await.unwrap(), [id]);
    let refused = lease(mongo, id, OFF, later(75)).await;
    assert_eq!(refusal(&refused), Some((Refusal::Malware, Some(Rejection::Malware))));
}

#[tokio::test]
async fn scan_changes_nothing_about_what_is_settled() {
    let database = scene().await;
    let mongo = &database.mongo;
    for (number, settled) in [(1, UploadState::Ready), (2, UploadState::Rejected)] {
        let id = upload(mongo, number, settled).await;
        for result in [ScanResult::Clean, ScanResult::Failed, ScanResult::Malware] {
            assert!(!note(mongo, id, result).await);
        }
        assert_eq!(state(mongo, id).await, settled);
    }
    let deleted = upload(mongo, 3, UploadState::Uploaded).await;
    mongo.uploads().end_own(ANNA, deleted, AT).await.unwrap();
    assert!(!note(mongo, deleted, ScanResult::Clean).await);
    assert!(!note(mongo, UploadId([9; 16]), ScanResult::Clean).await);
}

#[tokio::test]
async fn waiting_for_a_scan_is_no_attempt() {
    let database = scene().await;
    let mongo = &database.mongo;
    let id = upload(mongo, 1, UploadState::Uploaded).await;
    for _ in 0..5 {
        assert!(matches!(lease(mongo, id, ON, AT).await, Leased::Not));
    }
    note(mongo, id, ScanResult::Clean).await;

    for attempt in 0..3 {
        assert!(matches!(lease(mongo, id, ON, later(75 * attempt)).await, Leased::Mine(_)), "{attempt}");
    }

    let given_up = lease(mongo, id, ON, later(225)).await;
    assert_eq!(refusal(&given_up), Some((Refusal::GivenUp, Some(Rejection::InspectionFailed))));
}

#[tokio::test]
async fn upload_goes_on_where_the_scan_is_switched_off_meanwhile() {
    let database = scene().await;
    let mongo = &database.mongo;
    let id = upload(mongo, 1, UploadState::Uploaded).await;
    assert!(matches!(lease(mongo, id, ON, AT).await, Leased::Not));

    assert!(matches!(lease(mongo, id, OFF, AT.plus(QUARTER)).await, Leased::Mine(_)));
}

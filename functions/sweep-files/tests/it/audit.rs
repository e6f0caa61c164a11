use crate::yard::{MINJI, Yard};
use domain::{Timestamp, UploadId};
use mongodb::bson::{DateTime, doc};
use std::time::Duration;
use testkit::NOON;

const DAY: i64 = 86_400;

fn days_before(days: u64) -> Timestamp {
    NOON.minus(Duration::from_hours(24 * days))
}

#[tokio::test]
async fn old_object_without_an_upload_is_deleted() {
    let yard = Yard::new().await;
    let (old, young) = (UploadId([0xaa; 16]).original_key(), UploadId([0xab; 16]).original_key());
    yard.s3.keep(&old, days_before(3));
    yard.s3.keep(&young, days_before(1));
    let attached = yard.attached().await;
    for key in attached.keys() {
        yard.s3.keep(key, days_before(300));
    }

    let report = yard.run::<0>().await;

    assert_eq!((report.orphans, report.missing), (1, 0));
    let mut expected = attached.keys().to_vec();
    expected.push(young);
    expected.sort();
    assert_eq!(yard.s3.kept_keys(), expected);
}

#[tokio::test]
async fn missing_object_is_logged_and_told_once_a_day() {
    let yard = Yard::new().await;
    let (attached, settling) = (yard.attached().await, yard.attached().await);
    yard.s3.lose(&attached.original_key());
    yard.run::<0>().await;

    assert_eq!(yard.run::<{ DAY - 1 }>().await.missing, 0, "not again on the same day");
    let report = yard.run::<DAY>().await;

    assert_eq!(report.missing, 1);
    assert_eq!(yard.state(attached).await, Some("attached"));
    yard.s3.lose(&settling.original_key());
    assert_eq!(yard.run::<{ 2 * DAY }>().await.missing, 2);
}

#[tokio::test]
async fn recently_moved_upload_is_not_missing() {
    let yard = Yard::new().await;
    let attached = yard.attached().await;
    yard.s3.lose(&attached.original_key());
    assert_eq!(yard.run::<3_600>().await.missing, 0);
}

/// So many uploads that messages have, each with an old object, and behind them so many old objects without an upload.
async fn fill(yard: &Yard, known: u16, unknown: u16) {
    let id = |first: u8, number: u16| {
        let mut id = [first; 16];
        id[14..].copy_from_slice(&number.to_be_bytes());
        UploadId(id)
    };
    let known: Vec<_> = (0..known).map(|number| id(0x88, number)).collect();
    let rows = known.iter().map(|id| {
        let (name, moved_at) = (id.to_string(), DateTime::from_millis(days_before(3).millis()));
        doc! {
            "_id": &name, "owner": MINJI.0, "client_id": &name, "state": "attached",
            "moved_at": moved_at, "objects": [id.original_key()],
        }
    });
    yard.collection("uploads").await.insert_many(rows).await.unwrap();
    for id in known.into_iter().chain((0..unknown).map(|number| id(0x99, number))) {
        yard.s3.keep(id.original_key(), days_before(3));
    }
}

#[tokio::test]
async fn audit_goes_on_behind_a_full_page() {
    let yard = Yard::new().await;
    fill(&yard, 1_000, 20).await;

    let report = yard.run::<0>().await;

    assert_eq!((report.orphans, report.spared, report.missing), (20, 0, 0));
    assert_eq!(yard.s3.kept_keys().len(), 1_000);
}

#[tokio::test]
async fn audit_deletes_nothing_where_too_many_uploads_are_unknown() {
    for (known, unknown, orphans, spared) in [(1, 20, 20, 0), (1, 21, 0, 21), (398, 21, 0, 21), (399, 21, 21, 0)] {
        let yard = Yard::new().await;
        fill(&yard, known, unknown).await;

        let report = yard.run::<0>().await;

        assert_eq!((report.orphans, report.spared, report.missing), (orphans, spared, 0), "{known}");
        assert_eq!(yard.s3.kept_keys().len(), usize::from(known) + spared, "{known}");
    }
}

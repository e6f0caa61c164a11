use crate::yard::Yard;
use domain::{Access, Clock, MalwareScan, RoomId, RoomKey, Timestamp, WideMentions};
use futures_util::future::join_all;
use mongo::GroupRights;
use mongodb::bson::{DateTime, doc};
use std::sync::atomic::{AtomicI64, Ordering};
use sweep_files::{Report, Sweeper};
use testkit::NOON;

const DAY: i64 = 86_400;

#[tokio::test]
async fn run_without_anything_due_does_nothing() {
    let yard = Yard::new().await;
    yard.pending().await;
    yard.uploaded().await;
    yard.attached().await;
    assert_eq!(yard.run::<3_000>().await, Report::default());
}

#[tokio::test]
async fn upload_that_nothing_takes_ends_with_its_bytes() {
    let yard = Yard::new().await;
    let (pending, ready) = (yard.pending().await.id, yard.ready().await);
    yard.s3.upload(pending, 1_000);
    assert_eq!(yard.run::<{ DAY - 1 }>().await, Report::default());

    assert_eq!(yard.run::<DAY>().await, Report { ended: 2, ..Report::default() });
    assert_eq!(yard.run::<{ DAY + 59 }>().await, Report::default());
    assert_eq!((yard.s3.kept_keys().len(), yard.counted().await), (3, Some((0, 2_000))), "late writers have a minute");
    assert_eq!(yard.run::<{ DAY + 60 }>().await, Report { deleted: 2, ..Report::default() });

    assert_eq!(yard.counted().await, Some((0, 0)));
    for id in [pending, ready] {
        assert_eq!((yard.state(id).await, yard.s3.has_upload(id)), (Some("deleting"), false));
    }
    assert!(yard.s3.kept_keys().is_empty());
}

#[tokio::test]
async fn objects_of_a_slow_inspection_go_in_the_second_pass() {
    let yard = Yard::new().await;
    let id = yard.ready().await;
    yard.run::<DAY>().await;
    yard.run::<{ DAY + 60 }>().await;
    yard.s3.keep(id.original_key(), NOON);
    // A link that was handed out before was used.
    yard.s3.upload(id, 1_000);

    yard.run::<{ DAY + 60 + 900 }>().await;

    assert_eq!((yard.state(id).await, yard.s3.has_upload(id)), (None, false));
    assert!(yard.s3.kept_keys().is_empty());
    assert_eq!(yard.counted().await, Some((0, 0)));
}

#[tokio::test]
async fn parts_of_a_file_that_never_became_whole_are_aborted() {
    let yard = Yard::new().await;
    let id = yard.pending().await.id;
    let multipart = yard.s3.client().begin_parts(id).await.unwrap();
    yard.mongo().uploads().note_multipart(id, &multipart).await.unwrap();

    yard.run::<DAY>().await;
    yard.run::<{ DAY + 60 }>().await;

    assert!(yard.s3.multiparts().is_empty());
}

#[tokio::test]
async fn files_of_a_deleted_group_end_with_it() {
    let yard = Yard::new().await;
    let id = yard.attached().await;
    yard.message(doc! { "room_type": "group", "room_id": 7, "uploads": [id.to_string()] }).await;
    assert_eq!(yard.run::<0>().await, Report::default());
    let access = &Access { room: RoomKey::group(RoomId(7)), version: 1, members: Vec::new(), blocked: false };
    let wide_mentions = WideMentions::default();
    let deleted = GroupRights { access, name: "x", wide_mentions, is_public: false, picture: None };
    yard.mongo().rooms().project_group(deleted, NOON).await.unwrap();

    assert_eq!(yard.run::<0>().await, Report { ended: 1, ..Report::default() });
    assert_eq!(yard.run::<60>().await, Report { deleted: 1, ..Report::default() });

    assert!(yard.s3.kept_keys().is_empty());
}

#[tokio::test]
async fn claim_of_a_dead_writer_ends_and_that_of_a_message_holds() {
    let yard = Yard::new().await;
    let (written, lost) = (yard.ready().await, yard.ready().await);
    yard.claim(written).await;
    yard.claim(lost).await;
    yard.message(doc! { "uploads": [written.to_string()] }).await;
    assert_eq!(yard.run::<599>().await, Report::default());

    let report = yard.run::<600>().await;

    assert_eq!(report, Report { given: 1, freed: 1, ..Report::default() });
    assert_eq!((yard.state(written).await, yard.state(lost).await), (Some("attached"), Some("ready")));
    assert_eq!(yard.counted().await, Some((1, 2_000)));
    assert_eq!(yard.run::<{ DAY }>().await, Report { ended: 1, ..Report::default() }, "it ends when it would have");
}

#[tokio::test]
async fn message_that_was_written_late_keeps_its_file() {
    let yard = Yard::new().await;
    let id = yard.ready().await;
    yard.run::<DAY>().await;
    yard.message(doc! { "uploads": [id.to_string()] }).await;

    assert_eq!(yard.run::<{ DAY + 60 }>().await, Report { given: 1, ..Report::default() });

    assert_eq!((yard.state(id).await, yard.s3.kept_keys().len()), (Some("attached"), 3));
    assert_eq!(yard.run::<{ 2 * DAY }>().await.ended, 0);
}

#[tokio::test]
async fn files_of_a_deleted_message_go_within_three_minutes() {
    let yard = Yard::new().await;
    let (file, poster) = (yard.attached().await, yard.attached().await);
    let deleted = DateTime::from_millis(NOON.millis());
    yard.message(doc! { "purge": [file.to_string(), poster.to_string()], "deleted_at": deleted }).await;

    assert_eq!(yard.run::<59>().await, Report { ended: 2, ..Report::default() });
    assert_eq!(yard.run::<119>().await, Report { deleted: 2, ..Report::default() });

    assert!(yard.s3.kept_keys().is_empty());
    assert_eq!(yard.counted().await, Some((0, 0)));
    let purged = yard.collection("messages").await.count_documents(doc! { "purge": { "$exists": true } }).await;
    assert_eq!(purged.unwrap(), 0);
}

#[tokio::test]
async fn purge_that_died_in_between_goes_on() {
    let yard = Yard::new().await;
    let (first, second) = (yard.attached().await, yard.attached().await);
    let deleted = DateTime::from_millis(NOON.millis());
    yard.message(doc! { "purge": [first.to_string(), second.to_string()], "deleted_at": deleted }).await;
    // The first one was moved, and nothing after it.
    yard.set_upload(first, doc! { "state": "deleting", "due_at": DateTime::from_millis(NOON.millis() + 60_000) }).await;

    yard.run::<0>().await;

    assert_eq!((yard.state(first).await, yard.state(second).await), (Some("deleting"), Some("deleting")));
    assert_eq!(yard.run::<60>().await.deleted, 2);
}

#[tokio::test]
async fn files_in_a_tombstone_of_an_older_version_end_within_a_day() {
    let yard = Yard::new().await;
    let (gone, held) = (yard.attached().await, yard.attached().await);
    let deleted = DateTime::from_millis(NOON.millis());
    yard.message(doc! { "uploads": [gone.to_string()], "attachments": [], "deleted_at": deleted }).await;
    yard.message(doc! { "uploads": [held.to_string()], "deleted_at": null }).await;

    yard.run::<{ DAY - 60 }>().await;

    assert_eq!(yard.run::<DAY>().await, Report { ended: 1, ..Report::default() });
    assert_eq!((yard.state(gone).await, yard.state(held).await), (Some("deleting"), Some("attached")));
    let left = doc! { "deleted_at": deleted, "uploads": { "$exists": false }, "attachments": { "$exists": false } };
    assert_eq!(yard.collection("messages").await.count_documents(left).await.unwrap(), 1);
}

#[tokio::test]
async fn nothing_is_deleted_while_somebody_inspects() {
    let yard = Yard::new().await;
    let id = yard.uploaded().await;
    yard.mongo().uploads().lease(id, MalwareScan::None, NOON).await.unwrap();
    yard.mongo().uploads().end_own(crate::yard::MINJI, id, NOON).await.unwrap();

    assert_eq!(yard.run::<60>().await, Report::default());
    assert!(yard.s3.has_upload(id));
    assert_eq!(yard.run::<75>().await.deleted, 1);
}

#[tokio::test]
async fn store_of_files_that_is_away_keeps_uploads_for_later() {
    let yard = Yard::new().await;
    let (gone, claimed) = (yard.ready().await, yard.ready().await);
    yard.mongo().uploads().end_own(crate::yard::MINJI, gone, NOON).await.unwrap();
    yard.claim(claimed).await;
    yard.s3.set_away(true);

    let report = yard.run::<600>().await;

    // One upload, and the audit.
    assert_eq!(report, Report { freed: 1, failed: 2, ..Report::default() });
    assert_eq!((yard.state(gone).await, yard.state(claimed).await), (Some("deleting"), Some("ready")));
    let waited = yard.sweeper::<700>().await.find_oldest().await.unwrap();
    assert_eq!(waited.as_secs(), 40, "others have their turn for a minute");
    yard.s3.set_away(false);
    assert_eq!(yard.run::<700>().await.deleted, 1);
}

#[tokio::test]
async fn quota_that_a_crash_left_too_high_is_put_right() {
    let yard = Yard::new().await;
    yard.ready().await;
    let usages = yard.collection("usages").await;
    usages.update_one(doc! {}, doc! { "$inc": { "open": 1_i64, "bytes": 5_000_i64 } }).await.unwrap();

    let report = yard.run::<{ DAY - 1 }>().await;
    assert_eq!(report.corrected, 0, "once a day");
    let report = yard.run::<DAY>().await;

    assert_eq!((report.ended, report.corrected), (1, 0), "it has just moved");
    assert_eq!(yard.run::<{ DAY + 600 }>().await.deleted, 1);
    assert_eq!(yard.run::<{ DAY + 1_200 }>().await.corrected, 1);
    assert_eq!(yard.counted().await, Some((0, 0)));
}

/// A clock that goes on by a second each time that it is asked.
fn hasty() -> Clock {
    static SECONDS: AtomicI64 = AtomicI64::new(DAY);
    Clock(|| Timestamp::from_millis(NOON.millis() + 1_000 * SECONDS.fetch_add(1, Ordering::Relaxed)))
}

#[tokio::test]
async fn run_puts_right_as_many_quotas_as_it_has_time_for() {
    const PEOPLE: i32 = 450;
    let yard = Yard::new().await;
    let at = DateTime::from_millis(NOON.millis());
    let wrong = (1_000..1_000 + PEOPLE).map(|user| {
        doc! { "_id": user, "bytes": 5_i64, "open": 1_i64, "ops": 1_i64, "reserved_at": at, "checked_at": at }
    });
    yard.collection("usages").await.insert_many(wrong).await.unwrap();

    let hurried = Sweeper { clock: hasty(), ..yard.sweeper::<DAY>().await }.run().await.unwrap().corrected;
    let rest = yard.run::<{ DAY + 60 }>().await.corrected;

    assert!((1..50).contains(&hurried), "{hurried}");
    assert_eq!(hurried + rest, 450);
}

/// What twenty runs at once did: how many uploads they ended, and of how many they deleted the objects.
async fn at_once<const SECONDS: i64>(yard: &Yard) -> (usize, usize) {
    let sweepers = join_all((0..20).map(|_| yard.sweeper::<SECONDS>())).await;
    let reports = join_all(sweepers.iter().map(Sweeper::run)).await;
    let reports: Vec<_> = reports.into_iter().map(Result::unwrap).collect();
    (reports.iter().map(|report| report.ended).sum(), reports.iter().map(|report| report.deleted).sum())
}

#[tokio::test]
async fn twenty_runs_at_once_do_each_step_once() {
    let yard = Yard::new().await;
    for _ in 0..5 {
        yard.ready().await;
    }

    assert_eq!(at_once::<DAY>(&yard).await, (5, 0));
    assert_eq!(at_once::<{ DAY + 60 }>(&yard).await, (0, 5));
    at_once::<{ DAY + 960 }>(&yard).await;

    assert_eq!(yard.collection("uploads").await.count_documents(doc! {}).await.unwrap(), 0);
    assert_eq!(yard.counted().await, Some((0, 0)));
}

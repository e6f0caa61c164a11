//! The steps of an upload, each of which one of however many at once makes, and the counts that follow them.

use crate::scene::{ANNA, AT, BORA, ROOM, collection, environments, say, scene};
use domain::{
    ClientId, FileName, Media, MediaType, MessageId, Purpose, Rejection, Sha256, Timestamp, Upload, UploadDraft,
    UploadId, UploadKind, UploadLimits, UploadState, UserId,
};
use futures_util::future::join_all;
use mongo::{Due, Ended, Inspection, Leased, Mongo, NewUpload, Purge, Recounted};
use mongodb::bson::{Document, doc, oid::ObjectId};
use std::{
    sync::atomic::{AtomicU8, Ordering},
    time::Duration,
};
use testkit::mongo::{Database, Profile};

const SIZE: u64 = 1_000;
const ETAG: &str = "d41d8cd98f00b204e9800998ecf8427e";
const HASH: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

fn later(seconds: u64) -> Timestamp {
    AT.plus(Duration::from_secs(seconds))
}

fn draft(client_id: &str) -> UploadDraft {
    UploadDraft {
        kind: UploadKind::Image,
        purpose: Purpose::Message,
        name: FileName::parse("사진.jpg").unwrap(),
        size: SIZE,
        media_type: MediaType::parse("image/jpeg").unwrap(),
        sha256: Some(Sha256::parse(HASH).unwrap()),
        client_id: ClientId::parse(client_id).unwrap(),
    }
}

fn next_id() -> UploadId {
    static NEXT: AtomicU8 = AtomicU8::new(0);
    UploadId([NEXT.fetch_add(1, Ordering::Relaxed); 16])
}

async fn reserve(mongo: &Mongo, owner: UserId) -> bool {
    mongo.usages().reserve(owner, SIZE, &UploadLimits::default(), AT).await.unwrap()
}

/// An upload whose bytes are awaited.
async fn pending(mongo: &Mongo, owner: UserId) -> Upload {
    let id = next_id();
    assert!(reserve(mongo, owner).await);
    let new = NewUpload { id, owner, draft: &draft(&id.to_string()), at: AT };
    mongo.uploads().insert(&new).await.unwrap().unwrap()
}

async fn uploaded(mongo: &Mongo, owner: UserId) -> Upload {
    let upload = pending(mongo, owner).await;
    mongo.uploads().arrive(upload.id, SIZE, ETAG, AT).await.unwrap().unwrap()
}

fn inspection() -> Inspection {
    let media = Media { media_type: "image/jpeg".to_owned(), size: 990, width: Some(4), ..Media::default() };
    Inspection::Ready { media, objects: vec!["original".to_owned()] }
}

async fn inspect(mongo: &Mongo, upload: &Upload, inspection: &Inspection) -> Upload {
    let Leased::Mine(lease) = mongo.uploads().lease(upload.id, AT).await.unwrap() else {
        unreachable!("nobody else inspects it")
    };
    mongo.uploads().finish(&lease, inspection, AT).await.unwrap().unwrap()
}

async fn ready(mongo: &Mongo, owner: UserId) -> Upload {
    let upload = uploaded(mongo, owner).await;
    inspect(mongo, &upload, &inspection()).await
}

/// The only upload that is due by then.
async fn due(mongo: &Mongo, now: Timestamp) -> Due {
    let mut due = mongo.uploads().list_due(now, 10).await.unwrap();
    assert_eq!(due.len(), 1);
    due.remove(0)
}

/// How many open uploads and bytes are counted of a person.
async fn usage(database: &Database, owner: UserId) -> Option<(i64, i64)> {
    let usages = collection(database, "usages").await;
    let found = usages.find_one(doc! { "_id": owner.0 }).await.unwrap()?;
    Some((found.get_i64("open").unwrap(), found.get_i64("bytes").unwrap()))
}

async fn set_upload(database: &Database, id: UploadId, fields: Document) {
    let uploads = collection(database, "uploads").await;
    uploads.update_one(doc! { "_id": id.to_string() }, doc! { "$set": fields }).await.unwrap();
}

async fn set_message(database: &Database, id: MessageId, fields: Document) {
    let messages = collection(database, "messages").await;
    messages.update_one(doc! { "_id": ObjectId::from_bytes(id.0) }, doc! { "$set": fields }).await.unwrap();
}

async fn claim(database: &Database, id: UploadId) {
    let claim = doc! { "key": "private:1 1 c", "op": ObjectId::new(), "at": mongodb::bson::DateTime::from_millis(0) };
    set_upload(database, id, doc! { "claim": claim }).await;
}

async fn state(mongo: &Mongo, id: UploadId) -> Option<UploadState> {
    mongo.uploads().find(id).await.unwrap().map(|upload| upload.state)
}

#[tokio::test]
async fn of_twenty_creations_with_one_client_id_one_counts() {
    let database = scene().await;
    let environments = environments(&database, 20).await;

    let created = join_all(environments.iter().map(async |mongo| {
        assert!(reserve(mongo, ANNA).await);
        let new = NewUpload { id: next_id(), owner: ANNA, draft: &draft("c"), at: AT };
        let created = mongo.uploads().insert(&new).await.unwrap();
        if created.is_none() {
            mongo.usages().take_back(ANNA, SIZE).await.unwrap();
        }
        created
    }))
    .await;

    let created: Vec<_> = created.into_iter().flatten().collect();
    assert_eq!(created.len(), 1);
    let client_id = ClientId::parse("c").unwrap();
    assert_eq!(database.mongo.uploads().find_by_client_id(ANNA, &client_id).await.unwrap(), created.first().cloned());
    assert_eq!(database.mongo.uploads().find_by_client_id(BORA, &client_id).await.unwrap(), None);
    assert_eq!(usage(&database, ANNA).await, Some((1, 1_000)));
}

#[tokio::test]
async fn of_twenty_at_once_as_many_reserve_as_there_are_places() {
    let database = scene().await;
    let environments = environments(&database, 20).await;
    for (owner, limits, expected) in [
        (ANNA, UploadLimits { open: 7, ..UploadLimits::default() }, 7),
        (BORA, UploadLimits { stored_bytes: 4_999, ..UploadLimits::default() }, 4),
    ] {
        let reserved = join_all(
            environments.iter().map(|mongo| async { mongo.usages().reserve(owner, SIZE, &limits, AT).await.unwrap() }),
        )
        .await;

        assert_eq!(reserved.into_iter().filter(|reserved| *reserved).count(), expected);
        let expected = i64::try_from(expected).unwrap();
        assert_eq!(usage(&database, owner).await, Some((expected, expected * 1_000)));
    }
}

#[tokio::test]
async fn file_above_the_whole_quota_is_never_reserved() {
    let database = scene().await;
    let limits = UploadLimits { stored_bytes: 999, ..UploadLimits::default() };
    assert!(!database.mongo.usages().reserve(ANNA, SIZE, &limits, AT).await.unwrap());
    assert_eq!(usage(&database, ANNA).await, None);
}

#[tokio::test]
async fn parts_that_were_begun_first_count() {
    let database = scene().await;
    let upload = pending(&database.mongo, ANNA).await;
    let environments = environments(&database, 20).await;

    let noted = join_all(environments.iter().enumerate().map(async |(number, mongo)| {
        mongo.uploads().note_multipart(upload.id, &number.to_string()).await.unwrap().unwrap()
    }))
    .await;

    assert!(noted.iter().all(|multipart| *multipart == noted[0]), "{noted:?}");
    assert_eq!(database.mongo.uploads().find(upload.id).await.unwrap().unwrap().multipart.as_ref(), noted.first());
    database.mongo.uploads().arrive(upload.id, SIZE, ETAG, AT).await.unwrap();
    assert_eq!(database.mongo.uploads().note_multipart(upload.id, "x").await.unwrap(), None);
}

#[tokio::test]
async fn file_arrives_once_and_with_its_size() {
    let database = scene().await;
    let upload = pending(&database.mongo, ANNA).await;
    assert_eq!(database.mongo.uploads().arrive(upload.id, SIZE + 1, ETAG, AT).await.unwrap(), None);
    let environments = environments(&database, 20).await;

    let arrived = join_all(
        environments.iter().map(|mongo| async { mongo.uploads().arrive(upload.id, SIZE, ETAG, AT).await.unwrap() }),
    )
    .await;

    let arrived: Vec<_> = arrived.into_iter().flatten().collect();
    assert_eq!(arrived.len(), 1);
    assert_eq!((arrived[0].state, arrived[0].etag.as_deref()), (UploadState::Uploaded, Some(ETAG)));
}

#[tokio::test]
async fn of_twenty_at_once_one_inspects() {
    let database = scene().await;
    let upload = uploaded(&database.mongo, ANNA).await;
    let environments = environments(&database, 20).await;

    let leased =
        join_all(environments.iter().map(|mongo| async { mongo.uploads().lease(upload.id, AT).await.unwrap() })).await;

    assert_eq!(leased.iter().filter(|leased| matches!(leased, Leased::Mine(_))).count(), 1);
    assert!(leased.iter().all(|leased| !matches!(leased, Leased::GivenUp(_))));
}

#[tokio::test]
async fn inspection_that_died_three_times_is_given_up() {
    let database = scene().await;
    let (uploads, upload) = (database.mongo.uploads(), uploaded(&database.mongo, ANNA).await);
    for attempt in 0..3 {
        let at = later(75 * attempt);
        assert!(matches!(uploads.lease(upload.id, at).await.unwrap(), Leased::Mine(_)), "{attempt}");
        assert!(matches!(uploads.lease(upload.id, at.plus(Duration::from_secs(74))).await.unwrap(), Leased::Not));
    }

    let Leased::GivenUp(given_up) = uploads.lease(upload.id, later(225)).await.unwrap() else {
        unreachable!("a fourth time")
    };

    assert_eq!((given_up.state, given_up.reason), (UploadState::Rejected, Some(Rejection::InspectionFailed)));
    assert_eq!(given_up.due_at, Some(later(225 + 3_600)));
    assert!(matches!(uploads.lease(upload.id, later(400)).await.unwrap(), Leased::Not));
}

#[tokio::test]
async fn who_lost_the_lease_changes_nothing() {
    let database = scene().await;
    let (uploads, upload) = (database.mongo.uploads(), uploaded(&database.mongo, ANNA).await);
    let Leased::Mine(slow) = uploads.lease(upload.id, AT).await.unwrap() else { unreachable!("the first one") };
    let Leased::Mine(fast) = uploads.lease(upload.id, later(75)).await.unwrap() else { unreachable!("after its end") };

    let lost = uploads.finish(&slow, &Inspection::Rejected(Rejection::Damaged), later(76)).await.unwrap();
    let won = uploads.finish(&fast, &inspection(), later(77)).await.unwrap().unwrap();

    assert_eq!(lost, None);
    assert_eq!((won.state, won.reason, won.expires_at()), (UploadState::Ready, None, Some(later(77 + 86_400))));
    assert_eq!(won.attachment().unwrap().media.width, Some(4));
    assert_eq!(uploads.find(upload.id).await.unwrap(), Some(won));
    assert_eq!(uploads.finish(&fast, &inspection(), later(78)).await.unwrap(), None, "once");
}

#[tokio::test]
async fn upload_that_waits_for_its_inspection_is_listed() {
    let database = scene().await;
    let uploads = database.mongo.uploads();
    let [lost, died] = [uploaded(&database.mongo, ANNA).await.id, uploaded(&database.mongo, ANNA).await.id];
    pending(&database.mongo, ANNA).await;
    uploads.lease(died, AT).await.unwrap();

    assert_eq!(uploads.list_uninspected(later(29), 5).await.unwrap(), []);
    assert_eq!(uploads.list_uninspected(later(30), 5).await.unwrap(), [lost]);
    assert_eq!(uploads.list_uninspected(later(75), 5).await.unwrap(), [lost, died]);
    assert_eq!(uploads.list_uninspected(later(75), 1).await.unwrap(), [lost]);
    assert_eq!(uploads.find_oldest_due(later(75)).await.unwrap(), Some(later(30)));
    assert_eq!(uploads.find_oldest_due(later(29)).await.unwrap(), None);
    assert!(uploads.list_due(later(75), 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn owner_deletes_what_nothing_has_taken() {
    let database = scene().await;
    let (mongo, uploads) = (&database.mongo, database.mongo.uploads());
    for upload in [pending(mongo, ANNA).await, uploaded(mongo, ANNA).await, ready(mongo, ANNA).await] {
        assert_eq!(uploads.end_own(BORA, upload.id, AT).await.unwrap(), Ended::NotFound);
        assert_eq!(uploads.end_own(ANNA, upload.id, AT).await.unwrap(), Ended::Done);
        assert_eq!(uploads.end_own(ANNA, upload.id, AT).await.unwrap(), Ended::Done, "again");
        assert_eq!(uploads.find_own(ANNA, upload.id).await.unwrap(), None);
    }
    assert_eq!(uploads.end_own(ANNA, next_id(), AT).await.unwrap(), Ended::NotFound);
    assert_eq!(usage(&database, ANNA).await, Some((0, 3_000)), "the bytes are still there");
}

#[tokio::test]
async fn owner_does_not_delete_what_is_taken_or_about_to_be() {
    let database = scene().await;
    let uploads = database.mongo.uploads();
    let (claimed, attached) = (ready(&database.mongo, ANNA).await.id, ready(&database.mongo, ANNA).await.id);
    claim(&database, claimed).await;
    set_upload(&database, attached, doc! { "state": "attached", "holder": "m" }).await;

    for id in [claimed, attached] {
        assert_eq!(uploads.end_own(ANNA, id, AT).await.unwrap(), Ended::Taken);
        assert_eq!(uploads.end_own(BORA, id, AT).await.unwrap(), Ended::NotFound);
    }

    assert_eq!(
        (state(&database.mongo, claimed).await, state(&database.mongo, attached).await),
        (Some(UploadState::Ready), Some(UploadState::Attached))
    );
}

#[tokio::test]
async fn deletion_and_inspection_at_once_leave_one_outcome() {
    let database = scene().await;
    let environments = environments(&database, 2).await;
    for _ in 0..20 {
        let upload = uploaded(&database.mongo, ANNA).await;
        let Leased::Mine(lease) = environments[0].uploads().lease(upload.id, AT).await.unwrap() else {
            unreachable!("it is free")
        };

        let inspection = inspection();
        let (finished, ended) = tokio::join!(
            environments[0].uploads().finish(&lease, &inspection, AT),
            environments[1].uploads().end_own(ANNA, upload.id, AT),
        );

        finished.unwrap();
        assert_eq!(ended.unwrap(), Ended::Done);
        assert_eq!(state(&database.mongo, upload.id).await, Some(UploadState::Deleting));
    }
    assert_eq!(usage(&database, ANNA).await, Some((0, 20_000)));
}

#[tokio::test]
async fn upload_that_nothing_takes_ends_in_two_passes() {
    let database = scene().await;
    let (mongo, uploads) = (&database.mongo, database.mongo.uploads());
    let upload = pending(mongo, ANNA).await;
    assert!(uploads.list_due(later(86_399), 10).await.unwrap().is_empty());

    assert!(uploads.expire(&due(mongo, later(86_400)).await, later(86_400)).await.unwrap());
    assert_eq!(usage(&database, ANNA).await, Some((0, 1_000)));
    let first = due(mongo, later(86_460)).await;
    assert_eq!((first.passes, first.upload.state), (0, UploadState::Deleting));
    assert!(uploads.note_deleted(&first, later(86_460)).await.unwrap());
    assert!(!uploads.note_deleted(&first, later(86_460)).await.unwrap(), "once");
    assert_eq!(usage(&database, ANNA).await, Some((0, 0)));
    assert!(uploads.list_due(later(86_460 + 899), 10).await.unwrap().is_empty());
    let second = due(mongo, later(86_460 + 900)).await;
    assert!(uploads.note_deleted(&second, later(86_460 + 900)).await.unwrap());

    assert_eq!(state(mongo, upload.id).await, None);
    assert_eq!(usage(&database, ANNA).await, Some((0, 0)));
}

#[tokio::test]
async fn of_twenty_sweeps_at_once_each_step_counts_once() {
    let database = scene().await;
    for _ in 0..3 {
        pending(&database.mongo, ANNA).await;
    }
    let environments = environments(&database, 20).await;

    for at in [later(86_400), later(90_000), later(100_000)] {
        join_all(environments.iter().map(async |mongo| {
            for due in mongo.uploads().list_due(at, 10).await.unwrap() {
                match due.upload.state {
                    UploadState::Deleting => mongo.uploads().note_deleted(&due, at).await.unwrap(),
                    _ => mongo.uploads().expire(&due, at).await.unwrap(),
                };
            }
        }))
        .await;
    }

    assert_eq!(collection(&database, "uploads").await.count_documents(doc! {}).await.unwrap(), 0);
    assert_eq!(usage(&database, ANNA).await, Some((0, 0)));
}

#[tokio::test]
async fn client_id_of_a_deleted_upload_is_free() {
    let database = scene().await;
    let (uploads, draft) = (database.mongo.uploads(), draft("c"));
    let new = |id| NewUpload { id, owner: ANNA, draft: &draft, at: AT };
    let first = uploads.insert(&new(next_id())).await.unwrap().unwrap();
    assert_eq!(uploads.insert(&new(next_id())).await.unwrap(), None);

    uploads.end_own(ANNA, first.id, AT).await.unwrap();

    assert!(uploads.insert(&new(next_id())).await.unwrap().is_some());
}

#[tokio::test]
async fn message_that_lists_an_upload_keeps_it() {
    let database = scene().await;
    let (mongo, uploads) = (&database.mongo, database.mongo.uploads());
    let (claimed, doomed) = (ready(mongo, ANNA).await, ready(mongo, ANNA).await);
    claim(&database, claimed.id).await;
    uploads.end_own(ANNA, doomed.id, AT).await.unwrap();
    let message = say(mongo, ROOM, ANNA, "x").await;
    set_message(&database, message.id, doc! { "uploads": [claimed.id.to_string(), doomed.id.to_string()] }).await;

    let holders = uploads.list_holders(&[claimed.id, doomed.id, next_id()]).await.unwrap();
    assert_eq!(holders, [(claimed.id, message.id), (doomed.id, message.id)].into());
    for due in uploads.list_due(later(100_000), 10).await.unwrap() {
        assert!(!uploads.expire(&due, AT).await.unwrap() || !due.is_claimed, "a claim is not expired");
        assert!(uploads.give(&due, message.id, AT).await.unwrap());
        assert!(!uploads.give(&due, message.id, AT).await.unwrap(), "once");
    }

    for id in [claimed.id, doomed.id] {
        assert_eq!(state(mongo, id).await, Some(UploadState::Attached));
    }
    assert_eq!(usage(&database, ANNA).await, Some((0, 2_000)));
    assert!(uploads.list_due(later(1_000_000), 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn claim_without_a_message_frees_the_upload_until_its_own_end() {
    let database = scene().await;
    let (mongo, uploads) = (&database.mongo, database.mongo.uploads());
    let upload = ready(mongo, ANNA).await;
    claim(&database, upload.id).await;
    set_upload(&database, upload.id, doc! { "due_at": mongodb::bson::DateTime::from_millis(later(600).millis()) })
        .await;

    let due = due(mongo, later(600)).await;
    assert!(due.is_claimed);
    assert!(!uploads.expire(&due, later(600)).await.unwrap());
    assert!(uploads.unclaim(&due).await.unwrap());
    assert!(!uploads.unclaim(&due).await.unwrap(), "once");

    assert_eq!(uploads.find(upload.id).await.unwrap(), Some(upload));
}

#[tokio::test]
async fn upload_that_somebody_inspects_is_looked_at_later() {
    let database = scene().await;
    let (mongo, uploads) = (&database.mongo, database.mongo.uploads());
    let upload = uploaded(mongo, ANNA).await;
    uploads.lease(upload.id, AT).await.unwrap();
    uploads.end_own(ANNA, upload.id, AT).await.unwrap();

    let due = due(mongo, later(60)).await;
    assert_eq!(due.leased_until, Some(later(75)));
    assert!(uploads.postpone(&due, later(75)).await.unwrap());

    assert!(!uploads.note_deleted(&due, later(75)).await.unwrap(), "it was read before");
    assert!(uploads.list_due(later(74), 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn files_of_a_deleted_message_end_whatever_their_state() {
    let database = scene().await;
    let (mongo, uploads) = (&database.mongo, database.mongo.uploads());
    let (attached, claimed) = (ready(mongo, ANNA).await.id, ready(mongo, ANNA).await.id);
    set_upload(&database, attached, doc! { "state": "attached", "holder": "m" }).await;
    mongo.usages().close(ANNA, 1).await.unwrap();
    claim(&database, claimed).await;
    let message = say(mongo, ROOM, ANNA, "x").await.id;
    set_message(&database, message, doc! { "purge": [attached.to_string(), claimed.to_string()] }).await;

    let purges = uploads.list_purges(10).await.unwrap();
    assert_eq!(purges, [Purge { message, uploads: vec![attached, claimed] }]);
    let environments = environments(&database, 20).await;
    join_all(environments.iter().map(async |mongo| mongo.uploads().end_purged(&purges, AT).await.unwrap())).await;

    assert_eq!(uploads.list_purges(10).await.unwrap(), []);
    for id in [attached, claimed] {
        assert_eq!(state(mongo, id).await, Some(UploadState::Deleting));
    }
    assert_eq!(usage(&database, ANNA).await, Some((0, 2_000)), "each is closed once");
}

#[tokio::test]
async fn deleted_message_is_not_given_a_file_that_it_listed() {
    let database = scene().await;
    let (mongo, uploads) = (&database.mongo, database.mongo.uploads());
    let id = ready(mongo, ANNA).await.id;
    uploads.end_own(ANNA, id, AT).await.unwrap();
    let message = say(mongo, ROOM, ANNA, "x").await.id;
    // Read when the message still listed it.
    let due_before = due(mongo, later(60)).await;

    uploads.end_purged(&[Purge { message, uploads: vec![id] }], later(60)).await.unwrap();

    assert!(!uploads.give(&due_before, message, later(60)).await.unwrap());
    assert_eq!(state(mongo, id).await, Some(UploadState::Deleting));
    assert!(uploads.list_due(later(119), 10).await.unwrap().is_empty());
    assert_eq!(due(mongo, later(120)).await.upload.id, id);
}

#[tokio::test]
async fn files_of_deleted_messages_end_in_four_commands_however_many() {
    let database = scene().await;
    let (mongo, uploads) = (&database.mongo, database.mongo.uploads());
    let mut purges = Vec::new();
    for _ in 0..3 {
        let ids = [ready(mongo, ANNA).await.id, ready(mongo, BORA).await.id];
        for id in ids {
            set_upload(&database, id, doc! { "state": "attached", "holder": "m" }).await;
        }
        let message = say(mongo, ROOM, ANNA, "x").await.id;
        purges.push(Purge { message, uploads: ids.into() });
    }
    let mut profile = Profile::of(&database).await;

    uploads.end_purged(&purges, AT).await.unwrap();

    assert_eq!(profile.count().await, 4);
    for id in purges.iter().flat_map(|purge| &purge.uploads) {
        assert_eq!(state(mongo, *id).await, Some(UploadState::Deleting));
    }
}

#[tokio::test]
async fn picture_of_a_group_outlives_the_account_that_uploaded_it() {
    let database = scene().await;
    let (mongo, uploads) = (&database.mongo, database.mongo.uploads());
    let [shown, chosen, unused] = [ready(mongo, ANNA).await, ready(mongo, ANNA).await, ready(mongo, ANNA).await];
    for id in [shown.id, chosen.id, unused.id] {
        set_upload(&database, id, doc! { "purpose": "group_picture" }).await;
    }
    set_upload(&database, shown.id, doc! { "state": "attached", "holder": "group:7" }).await;
    claim(&database, chosen.id).await;

    uploads.end_of_person(ANNA, AT).await.unwrap();

    for (id, expected) in
        [(shown.id, UploadState::Attached), (chosen.id, UploadState::Ready), (unused.id, UploadState::Deleting)]
    {
        assert_eq!(state(mongo, id).await, Some(expected));
    }
}

#[tokio::test]
async fn everything_of_a_deleted_account_ends() {
    let database = scene().await;
    let (mongo, uploads) = (&database.mongo, database.mongo.uploads());
    let theirs = [pending(mongo, ANNA).await.id, ready(mongo, ANNA).await.id];
    let other = ready(mongo, BORA).await.id;
    set_upload(&database, theirs[1], doc! { "state": "attached", "holder": "m" }).await;

    for _ in 0..2 {
        uploads.end_of_person(ANNA, AT).await.unwrap();
    }

    for id in theirs {
        assert_eq!(state(mongo, id).await, Some(UploadState::Deleting));
    }
    assert_eq!(state(mongo, other).await, Some(UploadState::Ready));
    assert_eq!((usage(&database, ANNA).await, usage(&database, BORA).await), (None, Some((1, 1_000))));
    for due in uploads.list_due(later(60), 10).await.unwrap() {
        uploads.note_deleted(&due, later(60)).await.unwrap();
    }
    assert_eq!(usage(&database, ANNA).await, None, "nothing is counted of who is gone");
}

#[tokio::test]
async fn count_that_a_crash_left_too_high_is_put_right() {
    let database = scene().await;
    let (mongo, usages) = (&database.mongo, database.mongo.usages());
    pending(mongo, ANNA).await;
    let doomed = ready(mongo, ANNA).await;
    mongo.uploads().end_own(ANNA, doomed.id, AT).await.unwrap();
    // Reserved, and never inserted.
    reserve(mongo, ANNA).await;
    assert_eq!(usage(&database, ANNA).await, Some((2, 3_000)));
    assert_eq!(usages.list_unchecked(later(86_399), 5).await.unwrap(), []);
    assert_eq!(usages.list_unchecked(later(86_400), 5).await.unwrap(), [ANNA]);

    assert_eq!(usages.recount(ANNA, later(86_400)).await.unwrap(), Recounted::Corrected);

    assert_eq!(usage(&database, ANNA).await, Some((1, 2_000)), "bytes count until they are deleted");
    assert_eq!(usages.recount(ANNA, later(86_400)).await.unwrap(), Recounted::Right);
    assert_eq!(usages.list_unchecked(later(86_400), 5).await.unwrap(), []);
    assert_eq!(usages.recount(BORA, AT).await.unwrap(), Recounted::Right);
}

#[tokio::test]
async fn count_is_left_alone_while_uploads_move() {
    let database = scene().await;
    let (mongo, usages) = (&database.mongo, database.mongo.usages());
    reserve(mongo, ANNA).await;

    // Who reserved may not have inserted yet.
    assert_eq!(usages.recount(ANNA, later(299)).await.unwrap(), Recounted::Busy);
    assert_eq!(usage(&database, ANNA).await, Some((1, 1_000)));
    assert_eq!(usages.list_unchecked(later(299 + 600), 5).await.unwrap(), [ANNA], "it is tried again soon");
    assert_eq!(usages.recount(ANNA, later(300)).await.unwrap(), Recounted::Corrected);
    assert_eq!(usage(&database, ANNA).await, Some((0, 0)));
}

#[tokio::test]
async fn each_step_is_one_command_and_its_count_another() {
    let database = scene().await;
    let (mongo, uploads) = (&database.mongo, database.mongo.uploads());
    let mut profile = Profile::of(&database).await;

    let upload = pending(mongo, ANNA).await;
    assert_eq!(profile.count().await, 2, "the reservation and the row");
    uploads.arrive(upload.id, SIZE, ETAG, AT).await.unwrap();
    assert_eq!(profile.count().await, 1);
    inspect(mongo, &upload, &inspection()).await;
    assert_eq!(profile.count().await, 2, "the lease and the result");
    uploads.find_own(ANNA, upload.id).await.unwrap();
    assert_eq!(profile.count().await, 1);
    uploads.end_own(ANNA, upload.id, AT).await.unwrap();
    assert_eq!(profile.count().await, 2, "the row and the count");
}

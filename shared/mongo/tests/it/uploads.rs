//! The steps of an upload, each of which one of however many at once makes, and the counts that follow them.

mod counts;
mod end;

use crate::scene::{ANNA, AT, BORA, collection, environments, scene};
use domain::{
    ClientId, FileName, MalwareScan, Media, MediaType, Purpose, Rejection, Sha256, Timestamp, Upload, UploadDraft,
    UploadId, UploadKind, UploadLimits, UploadState, UserId,
};
use futures_util::future::join_all;
use mongo::{Ended, Inspection, Leased, Mongo, NewUpload, Refusal};
use mongodb::bson::{Document, doc, oid::ObjectId};
use std::{
    sync::atomic::{AtomicU8, Ordering},
    time::Duration,
};
use testkit::mongo::{Database, Profile};

const SIZE: u64 = 1_000;
const ETAG: &str = "d41d8cd98f00b204e9800998ecf8427e";
const HASH: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
const OFF: MalwareScan = MalwareScan::None;

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
    let Leased::Mine(lease) = mongo.uploads().lease(upload.id, OFF, AT).await.unwrap() else {
        unreachable!("nobody else inspects it")
    };
    mongo.uploads().finish(&lease, inspection, AT).await.unwrap().unwrap()
}

async fn ready(mongo: &Mongo, owner: UserId) -> Upload {
    let upload = uploaded(mongo, owner).await;
    inspect(mongo, &upload, &inspection()).await
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

async fn claim(database: &Database, id: UploadId) {
    let claim = doc! { "key": "private:1 1 c", "op": ObjectId::new(), "at": mongodb::bson::DateTime::from_millis(0) };
    set_upload(database, id, doc! { "claim": claim }).await;
}

async fn state(mongo: &Mongo, id: UploadId) -> Option<UploadState> {
    mongo.uploads().find(id).await.unwrap().map(|upload| upload.state)
}

#[tokio::test]
async fn twenty_creations_with_one_client_id_count_once() {
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
async fn one_of_twenty_concurrent_leases_is_granted() {
    let database = scene().await;
    let upload = uploaded(&database.mongo, ANNA).await;
    let environments = environments(&database, 20).await;

    let leased =
        join_all(environments.iter().map(|mongo| async { mongo.uploads().lease(upload.id, OFF, AT).await.unwrap() }))
            .await;

    assert_eq!(leased.iter().filter(|leased| matches!(leased, Leased::Mine(_))).count(), 1);
    assert!(leased.iter().all(|leased| !matches!(leased, Leased::Refused(..))));
}

#[tokio::test]
async fn inspection_that_died_three_times_is_given_up() {
    let database = scene().await;
    let (uploads, upload) = (database.mongo.uploads(), uploaded(&database.mongo, ANNA).await);
    for attempt in 0..3 {
        let at = later(75 * attempt);
        assert!(matches!(uploads.lease(upload.id, OFF, at).await.unwrap(), Leased::Mine(_)), "{attempt}");
        assert!(matches!(uploads.lease(upload.id, OFF, at.plus(Duration::from_secs(74))).await.unwrap(), Leased::Not));
    }

    let Leased::Refused(given_up, Refusal::GivenUp) = uploads.lease(upload.id, OFF, later(225)).await.unwrap() else {
        unreachable!("a fourth time")
    };

    assert_eq!((given_up.state, given_up.reason), (UploadState::Rejected, Some(Rejection::InspectionFailed)));
    assert_eq!(given_up.due_at, Some(later(225 + 3_600)));
    assert!(matches!(uploads.lease(upload.id, OFF, later(400)).await.unwrap(), Leased::Not));
}

#[tokio::test]
async fn inspection_with_a_lost_lease_changes_nothing() {
    let database = scene().await;
    let (uploads, upload) = (database.mongo.uploads(), uploaded(&database.mongo, ANNA).await);
    let Leased::Mine(slow) = uploads.lease(upload.id, OFF, AT).await.unwrap() else { unreachable!("the first one") };
    let Leased::Mine(fast) = uploads.lease(upload.id, OFF, later(75)).await.unwrap() else {
        unreachable!("after its end")
    };

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
    uploads.lease(died, OFF, AT).await.unwrap();

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
        let Leased::Mine(lease) = environments[0].uploads().lease(upload.id, OFF, AT).await.unwrap() else {
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

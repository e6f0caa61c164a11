//! How uploads end: unused, deleted, with their message and with their owner.

use super::{claim, draft, later, next_id, pending, ready, set_upload, state, uploaded, usage};
use crate::scene::{ANNA, AT, BORA, ROOM, collection, environments, say, scene};
use domain::{MalwareScan, MessageId, Timestamp, UploadState};
use futures_util::future::join_all;
use mongo::{Due, Mongo, NewUpload, Purge};
use mongodb::bson::{Document, doc, oid::ObjectId};
use testkit::mongo::{Database, Profile};

/// The only upload that is due by then.
async fn due(mongo: &Mongo, now: Timestamp) -> Due {
    let mut due = mongo.uploads().list_due(now, 10).await.unwrap();
    assert_eq!(due.len(), 1);
    due.remove(0)
}

async fn set_message(database: &Database, id: MessageId, fields: Document) {
    let messages = collection(database, "messages").await;
    messages.update_one(doc! { "_id": ObjectId::from_bytes(id.0) }, doc! { "$set": fields }).await.unwrap();
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
async fn twenty_concurrent_sweeps_count_each_step_once() {
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
    uploads.lease(upload.id, MalwareScan::None, AT).await.unwrap();
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

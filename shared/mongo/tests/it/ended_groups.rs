//! Deleted groups leave the files of their messages to be deleted.

use crate::scene::{ANNA, AT, BORA, access_as_of, collection, fill, group};
use domain::{Access, RoomKey, Timestamp, WideMentions};
use mongo::{GroupRights, Mongo};
use mongodb::bson::{Bson, Document, doc};
use std::time::Duration;
use testkit::mongo::Database;

const ROOM: RoomKey = RoomKey::group(domain::RoomId(7));

async fn project(mongo: &Mongo, access: &Access) {
    let wide_mentions = WideMentions::Everyone;
    let rights = GroupRights { access, name: "등산 모임", wide_mentions, is_public: false, picture: None };
    mongo.rooms().project_group(rights, AT).await.unwrap();
}

/// A group with so many messages, of which some have a file.
async fn scene(messages: i64, with_files: &[i64]) -> Database {
    let database = Database::new().await;
    project(&database.mongo, &access_as_of(1, ROOM, &[ANNA, BORA])).await;
    fill(&database, ROOM, ANNA, messages).await;
    let rows = collection(&database, "messages").await;
    for seq in with_files {
        let files = doc! { "$set": { "uploads": [seq.to_string()], "attachments": [{}] } };
        rows.update_one(doc! { "seq": seq }, files).await.unwrap();
    }
    database
}

/// Two minutes after now, by the store's clock.
async fn later(database: &Database) -> Timestamp {
    let rooms = collection(database, "rooms").await;
    let now = rooms.aggregate([doc! { "$limit": 1 }, doc! { "$project": { "now": "$$NOW" } }]).await.unwrap();
    let now: Vec<Document> = futures_util::TryStreamExt::try_collect(now).await.unwrap();
    Timestamp::from_millis(now[0].get_datetime("now").unwrap().timestamp_millis()).plus(Duration::from_mins(2))
}

async fn walk(database: &Database) -> usize {
    let (rooms, now) = (database.mongo.rooms(), later(database).await);
    let mut steps = 0;
    for mut ended in rooms.list_ended(now, 10).await.unwrap() {
        steps += 1;
        while rooms.purge_ended(&mut ended).await.unwrap() {
            steps += 1;
        }
    }
    steps
}

async fn count(database: &Database, filter: Document) -> u64 {
    collection(database, "messages").await.count_documents(filter).await.unwrap()
}

#[tokio::test]
async fn files_of_a_deleted_group_are_left_to_be_deleted() {
    let database = scene(2_500, &[1, 1_000, 1_001, 2_500]).await;
    project(&database.mongo, &access_as_of(2, ROOM, &[])).await;

    assert_eq!(walk(&database).await, 3, "a thousand messages at a time");

    assert_eq!(count(&database, doc! { "uploads": { "$exists": true } }).await, 0);
    assert_eq!(count(&database, doc! { "purge.0": { "$exists": true }, "attachments": { "$exists": false } }).await, 4);
    assert_eq!(walk(&database).await, 0, "it is done");
}

#[tokio::test]
async fn group_with_members_keeps_its_files() {
    let database = scene(3, &[1, 2]).await;
    project(&database.mongo, &access_as_of(2, ROOM, &[BORA])).await;
    let unknown = Access { room: group(8), ..access_as_of(1, ROOM, &[]) };
    database.mongo.rooms().project(&unknown, AT).await.unwrap();

    assert_eq!(walk(&database).await, 0, "nor does a group end that was lost with a backup");
    assert_eq!(count(&database, doc! { "uploads": { "$exists": true } }).await, 2);
}

#[tokio::test]
async fn group_that_was_just_deleted_waits_for_late_writers() {
    let database = scene(3, &[1]).await;
    project(&database.mongo, &access_as_of(2, ROOM, &[])).await;
    let now = later(&database).await.minus(Duration::from_secs(90));

    assert!(database.mongo.rooms().list_ended(now, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn walk_goes_on_where_another_one_stopped() {
    let database = scene(1_500, &[1, 1_200]).await;
    project(&database.mongo, &access_as_of(2, ROOM, &[])).await;
    let (rooms, now) = (database.mongo.rooms(), later(&database).await);
    let mut ended = rooms.list_ended(now, 10).await.unwrap().remove(0);
    assert!(rooms.purge_ended(&mut ended).await.unwrap());

    let row = collection(&database, "rooms").await.find_one(doc! { "_id": ROOM.to_string() }).await.unwrap().unwrap();
    assert_eq!(row.get_document("ended").unwrap().get("after"), Some(&Bson::Int64(1_000)));
    assert_eq!(walk(&database).await, 1);
    assert_eq!(count(&database, doc! { "purge": { "$exists": true } }).await, 2);
}

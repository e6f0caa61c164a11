//! Messages from before there was a search.

use crate::scene::{ANNA, AT, BORA, ROOM, collection, delete, environments, fill, reserve, say, scene};
use domain::{Clock, MessageId, MessageType, Timestamp, UserId, message_search::grams};
use mongo::{Backfilled, Placement};
use mongodb::bson::{Bson, DateTime, Document, doc, oid::ObjectId};
use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};
use testkit::mongo::Database;
use tokio::task::JoinSet;

const LATER: Timestamp = Timestamp::from_millis(AT.millis() + 60_000);

/// More than two batches, of which none has grams, as a version before the search left them.
async fn old_messages() -> Database {
    let database = scene().await;
    fill(&database, ROOM, BORA, 1_200).await;
    let messages = collection(&database, "messages").await;
    let text = doc! { "$concat": ["회의록 ", { "$toString": "$seq" }] };
    messages.update_many(doc! {}, vec![doc! { "$set": { "content": text } }, doc! { "$unset": "g" }]).await.unwrap();
    collection(&database, "schema").await.delete_one(doc! { "_id": "grams" }).await.unwrap();
    database.mongo.schema().ensure().await.unwrap();
    database
}

/// The messages that a search may show whose grams are not those of their texts.
async fn wrong(database: &Database) -> Vec<Document> {
    let messages = collection(database, "messages").await;
    let mut rows = messages.find(doc! {}).await.unwrap();
    let mut wrong = Vec::new();
    while rows.advance().await.unwrap() {
        let row = rows.deserialize_current().unwrap();
        let found: Option<Vec<i32>> =
            row.get_array("g").ok().map(|grams| grams.iter().filter_map(Bson::as_i32).collect());
        let author = UserId(row.get_i32("user_id").unwrap());
        let expected = grams(author, row.get_str("content").unwrap(), MessageType::Text, &[]);
        let expected = expected.into_iter().map(|gram| gram.0).collect();
        let is_shown = row.get_datetime("deleted_at").is_err() && row.get_str("message_type").unwrap() != "system";
        if found != is_shown.then_some(expected) {
            wrong.push(row);
        }
    }
    wrong
}

async fn is_done(database: &Database) -> bool {
    database.mongo.schema().is_backfilled().await.unwrap()
}

/// A clock by which the time is over after so many looks.
fn soon() -> Timestamp {
    static LOOKS: AtomicUsize = AtomicUsize::new(0);
    if LOOKS.fetch_add(1, Ordering::Relaxed) == 0 { AT } else { LATER }
}

/// What a run within the hour after a migration does, and one after it.
async fn early_and_later(database: &Database) -> [Backfilled; 2] {
    let schema = database.mongo.schema();
    let early = schema.backfill(Clock(|| Timestamp::from_millis(0)), AT).await.unwrap();
    [early, schema.backfill(Clock(|| AT), LATER).await.unwrap()]
}

#[tokio::test]
async fn new_database_has_nothing_to_fill() {
    let database = Database::new().await;
    assert!(is_done(&database).await);
}

#[tokio::test]
async fn database_without_a_schema_is_not_filled() {
    let database = Database::empty().await;
    let filled = database.mongo.schema().backfill(Clock(|| AT), LATER).await.unwrap();
    assert_eq!(filled, Backfilled { indexed: 0, left: true });
}

#[tokio::test]
async fn old_messages_get_their_grams() {
    let database = old_messages().await;
    assert!(!is_done(&database).await);

    let filled = database.mongo.schema().backfill(Clock(|| AT), LATER).await.unwrap();

    assert_eq!(filled, Backfilled { indexed: 1_200, left: false });
    assert!(is_done(&database).await);
    assert_eq!(wrong(&database).await, Vec::<Document>::new());
    let again = database.mongo.schema().backfill(Clock(|| AT), LATER).await.unwrap();
    assert_eq!(again, Backfilled { indexed: 0, left: false });
}

#[tokio::test]
async fn writes_of_older_code_are_corrected_an_hour_later() {
    let database = old_messages().await;
    let first = database.mongo.schema().backfill(Clock(|| Timestamp::from_millis(0)), AT).await.unwrap();
    assert_eq!((first, is_done(&database).await), (Backfilled { indexed: 1_200, left: true }, false));
    let messages = collection(&database, "messages").await;
    let change = async |seq: i64, change: Document| messages.update_one(doc! { "seq": seq }, change).await.unwrap();
    change(7, doc! { "$set": { "content": "older code edited it" } }).await;
    change(1_100, doc! { "$set": { "content": "", "deleted_at": DateTime::from_millis(1) } }).await;
    change(1_200, doc! { "$unset": { "g": "" } }).await;

    let reruns = early_and_later(&database).await;

    assert_eq!(reruns, [Backfilled { indexed: 0, left: true }, Backfilled { indexed: 3, left: false }]);
    assert_eq!(wrong(&database).await, Vec::<Document>::new());
}

#[tokio::test]
async fn another_migration_has_all_messages_gone_through_again() {
    let database = old_messages().await;
    let early = Clock(|| Timestamp::from_millis(0));
    database.mongo.schema().backfill(early, AT).await.unwrap();
    let state = collection(&database, "schema").await;
    let oldest = doc! { "$set": { "before": ObjectId::from_bytes([0; 12]) } };
    state.update_one(doc! { "_id": "grams" }, oldest).await.unwrap();
    collection(&database, "messages")
        .await
        .update_one(doc! { "seq": 9 }, doc! { "$unset": { "g": "" } })
        .await
        .unwrap();

    database.mongo.schema().ensure().await.unwrap();
    let second = database.mongo.schema().backfill(Clock(|| AT), LATER).await.unwrap();

    assert_eq!(second, Backfilled { indexed: 1, left: false });
}

/// A database of which all messages can be found.
async fn done() -> Database {
    let database = old_messages().await;
    database.mongo.schema().backfill(Clock(|| AT), LATER).await.unwrap();
    assert!(is_done(&database).await);
    database
}

/// What code of before version 8 leaves that was rolled back to: an old message that it edited, and a new one.
async fn write_as_older_code(database: &Database) {
    let messages = collection(database, "messages").await;
    messages.update_one(doc! { "seq": 9 }, doc! { "$set": { "content": "older code edited it" } }).await.unwrap();
    messages.update_one(doc! { "seq": 1_200 }, doc! { "$unset": { "g": "" } }).await.unwrap();
}

#[tokio::test]
async fn rollback_leaves_no_message_that_is_never_found() {
    let database = done().await;
    write_as_older_code(&database).await;

    database.mongo.schema().ensure().await.unwrap();
    assert!(!is_done(&database).await, "the migration says so before newer code runs");
    let filled = database.mongo.schema().backfill(Clock(|| AT), LATER).await.unwrap();

    assert_eq!(filled, Backfilled { indexed: 2, left: false });
    assert_eq!(wrong(&database).await, Vec::<Document>::new());
}

#[tokio::test]
async fn older_code_that_wrote_after_a_migration_alone_is_noticed_an_hour_later() {
    let database = done().await;
    database.mongo.schema().ensure().await.unwrap();
    write_as_older_code(&database).await;

    let reruns = early_and_later(&database).await;

    assert_eq!(reruns, [Backfilled { indexed: 0, left: false }, Backfilled { indexed: 2, left: false }]);
    assert_eq!(wrong(&database).await, Vec::<Document>::new());
}

#[tokio::test]
async fn edits_of_older_code_alone_are_put_right_when_an_operator_asks() {
    let database = done().await;
    let edit = doc! { "$set": { "content": "older code edited it" } };
    collection(&database, "messages").await.update_one(doc! { "seq": 9 }, edit).await.unwrap();
    database.mongo.schema().ensure().await.unwrap();
    assert!(is_done(&database).await, "nothing tells of it");

    // `localstack/guides/operate.md` says so.
    let anew = doc! { "$unset": { "done_at": "", "second": "", "before": "" } };
    collection(&database, "schema").await.update_one(doc! { "_id": "grams" }, anew).await.unwrap();
    let filled = database.mongo.schema().backfill(Clock(|| AT), LATER).await.unwrap();

    assert_eq!(filled, Backfilled { indexed: 1, left: false });
    assert_eq!(wrong(&database).await, Vec::<Document>::new());
}

#[tokio::test]
async fn migration_without_a_rollback_goes_through_no_message_again() {
    let database = done().await;
    let mut profile = testkit::mongo::Profile::of(&database).await;

    database.mongo.schema().ensure().await.unwrap();
    let filled = database.mongo.schema().backfill(Clock(|| AT), LATER).await.unwrap();

    assert_eq!((filled, is_done(&database).await), (Backfilled { indexed: 0, left: false }, true));
    let notes = profile.fresh().await;
    let is_of_messages = |note: &&Document| note.get_str("ns").is_ok_and(|name| name.ends_with(".messages"));
    let reads =
        notes.iter().filter(is_of_messages).filter(|note| note.get_document("command").unwrap().contains_key("find"));
    assert_eq!(reads.count(), 0, "the server alone looks at the newest ones");
}

#[tokio::test]
async fn run_that_ends_early_is_gone_on_with() {
    let database = old_messages().await;

    let first = database.mongo.schema().backfill(Clock(soon), LATER).await.unwrap();
    let second = database.mongo.schema().backfill(Clock(|| AT), LATER).await.unwrap();

    assert_eq!(first, Backfilled { indexed: 500, left: true });
    assert_eq!(second, Backfilled { indexed: 700, left: false });
    assert_eq!(wrong(&database).await, Vec::<Document>::new());
}

#[tokio::test]
async fn run_that_is_killed_is_gone_on_with() {
    let database = old_messages().await;
    for millis in [1, 5, 20, 60] {
        let run = database.mongo.schema().backfill(Clock(|| AT), LATER);
        let _ = tokio::time::timeout(Duration::from_millis(millis), run).await;
    }

    database.mongo.schema().backfill(Clock(|| AT), LATER).await.unwrap();

    assert_eq!(wrong(&database).await, Vec::<Document>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_at_once_and_changes_meanwhile_leave_every_message_right() {
    let database = old_messages().await;
    let rows = database.mongo.rooms().list_messages(ROOM, BORA, mongo::Anchor::Newest, 60).await.unwrap().unwrap().rows;
    let mut work = JoinSet::new();
    for mongo in environments(&database, 4).await {
        work.spawn(async move {
            mongo.schema().backfill(Clock(|| AT), LATER).await.unwrap();
        });
    }
    let mongo = environments(&database, 1).await.remove(0);
    work.spawn(async move {
        for (n, row) in rows.into_iter().enumerate() {
            let id = row.message.id;
            match n % 3 {
                0 => {
                    let position = reserve(&mongo, ROOM, Placement::Change).await;
                    edit_as(&mongo, id, "배포", &position).await;
                }
                1 => delete(&mongo, &row.message).await,
                _ => {
                    let position = reserve(&mongo, ROOM, Placement::Change).await;
                    let mut causal = mongo.causal().await.unwrap();
                    let emoji = domain::Emoji::parse("👍").unwrap();
                    mongo.messages().react(&mut causal, id, ANNA, emoji, &position, AT).await.unwrap().unwrap();
                }
            }
        }
    });
    work.join_all().await;

    assert!(is_done(&database).await);
    assert_eq!(wrong(&database).await, Vec::<Document>::new());
}

async fn edit_as(mongo: &mongo::Mongo, id: MessageId, content: &str, position: &mongo::Reservation) {
    let author = BORA;
    let content = domain::Content::parse(content).unwrap();
    let text = mongo::NewText {
        author,
        message_type: MessageType::Text,
        content: &content,
        mentions: &domain::Mentions::default(),
    };
    let mut causal = mongo.causal().await.unwrap();
    mongo.messages().edit(&mut causal, id, &text, position, AT).await.unwrap();
}

#[tokio::test]
async fn tombstones_and_notices_get_none() {
    let database = scene().await;
    let deleted = say(&database.mongo, ROOM, ANNA, "회의").await;
    delete(&database.mongo, &deleted).await;
    let notice = say(&database.mongo, ROOM, ANNA, "회의").await;
    let messages = collection(&database, "messages").await;
    let system = doc! { "$set": { "message_type": "system" }, "$unset": { "g": "" } };
    messages.update_one(doc! { "_id": ObjectId::from_bytes(notice.id.0) }, system).await.unwrap();
    collection(&database, "schema").await.delete_one(doc! { "_id": "grams" }).await.unwrap();
    database.mongo.schema().ensure().await.unwrap();

    let filled = database.mongo.schema().backfill(Clock(|| AT), LATER).await.unwrap();

    assert_eq!(filled, Backfilled { indexed: 0, left: false });
    assert_eq!(messages.count_documents(doc! { "g": { "$exists": true } }).await.unwrap(), 0);
}

use crate::house::{ANNA, AT, ROOM, draft, eventually, house, insert};
use domain::{MessageId, Rev, Timestamp};
use std::time::Duration;
use testkit::mongo::Database;

/// A message whose delivery is owed for so long.
async fn owed(database: &Database, client_id: &str, seconds: u64) -> MessageId {
    let since = AT.minus(Duration::from_secs(seconds));
    insert(&database.mongo, &draft(ROOM, ANNA, client_id, "안녕"), since).await.0
}

async fn abandoned(database: &Database, now: Timestamp, limit: i64) -> Vec<MessageId> {
    database.mongo.list_abandoned(now, limit).await.unwrap()
}

#[tokio::test]
async fn only_what_is_owed_for_more_than_five_seconds_is_abandoned() {
    let database = house().await;
    owed(&database, "new", 0).await;
    owed(&database, "young", 5).await;
    let old = owed(&database, "old", 6).await;

    assert_eq!(abandoned(&database, AT, 10).await, [old]);
}

#[tokio::test]
async fn what_was_delivered_is_not_abandoned() {
    let database = house().await;
    let delivered = owed(&database, "delivered", 60).await;

    database.mongo.clear_fanout(delivered, Rev(1)).await.unwrap();

    eventually(async || abandoned(&database, AT, 10).await.is_empty()).await;
}

#[tokio::test]
async fn what_changed_after_its_delivery_is_owed_again() {
    let database = house().await;
    let id = owed(&database, "edited", 60).await;
    let place = database.mongo.reserve_above(ROOM, Rev(1), domain::Seq(1)).await.unwrap().unwrap();
    database.mongo.stamp_message(id, place, AT.minus(Duration::from_secs(6))).await.unwrap().unwrap();

    database.mongo.clear_fanout(id, Rev(1)).await.unwrap();

    assert_eq!(abandoned(&database, AT, 10).await, [id]);
}

#[tokio::test]
async fn the_longest_waiting_come_first_and_not_too_many_at_once() {
    let database = house().await;
    let second = owed(&database, "b", 30).await;
    owed(&database, "c", 20).await;
    let first = owed(&database, "a", 40).await;

    assert_eq!(abandoned(&database, AT, 2).await, [first, second]);
}

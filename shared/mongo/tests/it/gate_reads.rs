//! Reads, of which a large bucket counts some, rooms by the hour, and what a gate says is left.

use crate::{
    gates::{THREE, end, pass, refund, session, wait_of},
    scene::{ANNA, AT, collection, scene},
};
use domain::{Limit, Random};
use mongo::{Bucket, Mongo, Passage, Quota, with_quotas};
use mongodb::bson::doc;
use std::{
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    time::Duration,
};

/// As many as the product lets people read at once; nothing comes back while a test runs.
const MANY: Limit = Limit { burst: 600, per_minute: 1 };

/// Throws a number that lets every read be counted.
const COUNTED: Random = Random(|bytes| bytes.fill(0));

/// Throws a number that lets no read be counted.
const UNCOUNTED: Random = Random(|bytes| bytes.fill(1));

async fn read(mongo: &Mongo, by: &str, limit: Limit, random: Random) -> Passage {
    mongo.gates().pass_read(ANNA, &session(by), limit, random).await.unwrap()
}

#[tokio::test]
async fn a_small_bucket_counts_every_read() {
    let database = scene().await;

    for _ in 0..3 {
        assert_eq!(read(&database.mongo, "live", THREE, UNCOUNTED).await, Passage::Open);
    }

    let wait = wait_of(read(&database.mongo, "live", THREE, UNCOUNTED).await);
    assert!((Duration::from_secs(30)..=Duration::from_mins(1)).contains(&wait), "{wait:?}");
}

#[tokio::test]
async fn one_in_ten_reads_of_a_large_bucket_takes_ten_tokens() {
    let database = scene().await;
    for _ in 0..60 {
        assert_eq!(read(&database.mongo, "live", MANY, COUNTED).await, Passage::Open);
    }

    for random in [COUNTED, UNCOUNTED] {
        let wait = wait_of(read(&database.mongo, "live", MANY, random).await);
        assert!((Duration::from_mins(9)..=Duration::from_mins(10)).contains(&wait), "{wait:?}");
    }
}

#[tokio::test]
async fn a_read_that_is_not_counted_writes_nothing() {
    let database = scene().await;

    assert_eq!(read(&database.mongo, "live", MANY, UNCOUNTED).await, Passage::Open);

    assert_eq!(collection(&database, "gates").await.count_documents(doc! {}).await.unwrap(), 0);
}

#[tokio::test]
async fn a_large_bucket_lets_as_many_reads_pass_as_it_holds() {
    static THROWN: AtomicU32 = AtomicU32::new(0);
    let by_turns = Random(|bytes| bytes.copy_from_slice(&THROWN.fetch_add(1, Relaxed).to_be_bytes()));
    let (database, mut open) = (scene().await, 0);

    for _ in 0..700 {
        open += i32::from(read(&database.mongo, "live", MANY, by_turns).await == Passage::Open);
    }

    assert!((590..=601).contains(&open), "{open}");
}

#[tokio::test]
async fn an_ended_session_reads_nothing() {
    let database = scene().await;
    end(&database.mongo, &["over"], AT).await;

    for random in [COUNTED, UNCOUNTED] {
        assert_eq!(read(&database.mongo, "over", MANY, random).await, Passage::SessionEnded);
        assert_eq!(read(&database.mongo, "live", MANY, random).await, Passage::Open);
    }
}

#[tokio::test]
async fn new_rooms_come_back_by_the_hour() {
    let database = scene().await;
    let gates = database.mongo.gates();
    let open = async || gates.pass(ANNA, &session("live"), Bucket::NewRooms, THREE).await.unwrap();
    for _ in 0..3 {
        assert_eq!(open().await, Passage::Open);
    }

    let wait = wait_of(open().await);

    assert!((Duration::from_mins(59)..=Duration::from_hours(1)).contains(&wait), "{wait:?}");
}

/// What the gates said is left, by limit.
async fn quotas(request: impl Future<Output = Passage>) -> Vec<(String, u32)> {
    let (_, quotas) = with_quotas(request).await;
    quotas.into_iter().map(|Quota { name, left, .. }| (name.into_owned(), left)).collect()
}

#[tokio::test]
async fn gate_says_what_is_left() {
    let database = scene().await;

    for left in [2, 1, 0, 0] {
        assert_eq!(quotas(pass(&database.mongo, "live")).await, [("sends".to_owned(), left)]);
    }
}

#[tokio::test]
async fn uncounted_read_says_what_it_saw() {
    let database = scene().await;
    let read_left = async |random| quotas(read(&database.mongo, "live", MANY, random)).await;

    assert_eq!(read_left(UNCOUNTED).await, [("reads".to_owned(), 600)]);
    assert_eq!(read_left(COUNTED).await, [("reads".to_owned(), 590)]);
    assert_eq!(read_left(UNCOUNTED).await, [("reads".to_owned(), 590)]);
}

#[tokio::test]
async fn returned_token_was_never_spent() {
    let database = scene().await;

    let left = quotas(async {
        let passage = pass(&database.mongo, "live").await;
        refund(&database.mongo).await;
        passage
    });

    assert_eq!(left.await, []);
}

#[tokio::test]
async fn ended_session_learns_of_no_limit() {
    let database = scene().await;
    end(&database.mongo, &["over"], AT).await;

    assert_eq!(quotas(pass(&database.mongo, "over")).await, []);
}

use crate::scene::{ANNA, AT, collection, environments, scene};
use domain::{Code, ConnectionId, Fault, Limit, Locale, SessionId};
use mongo::{Connection, Mongo};
use mongodb::bson::doc;
use std::time::Duration;
use testkit::mongo::Database;
use tokio::task::JoinSet;

/// So slow that nothing comes back while a test runs.
const THREE: Limit = Limit { burst: 3, per_minute: 1 };

async fn spend_all(mongo: &Mongo) {
    for _ in 0..THREE.burst {
        mongo.limits().spend("b", THREE).await.unwrap();
    }
}

fn wait_of(refused: Result<(), Fault>) -> Duration {
    let fault = refused.unwrap_err();
    assert_eq!(fault.code, Code::RateLimited);
    fault.retry_after.unwrap()
}

/// Lets a bucket rest.
async fn rest(database: &Database, seconds: i32) {
    let earlier = vec![doc! { "$set": { "at": { "$subtract": ["$at", seconds * 1_000] } } }];
    collection(database, "limits").await.update_one(doc! { "_id": "b" }, earlier).await.unwrap();
}

#[tokio::test]
async fn an_empty_bucket_says_how_long_to_wait() {
    let database = scene().await;
    spend_all(&database.mongo).await;

    let wait = wait_of(database.mongo.limits().spend("b", THREE).await);

    assert!((Duration::from_secs(30)..=Duration::from_mins(1)).contains(&wait), "{wait:?}");
}

#[tokio::test]
async fn a_refused_try_makes_nobody_wait_longer() {
    let database = scene().await;
    spend_all(&database.mongo).await;
    let first = wait_of(database.mongo.limits().spend("b", THREE).await);

    let second = wait_of(database.mongo.limits().spend("b", THREE).await);

    assert!(second <= first, "{second:?} after {first:?}");
}

#[tokio::test]
async fn a_bucket_fills_with_time() {
    let database = scene().await;
    spend_all(&database.mongo).await;
    rest(&database, 60).await;

    database.mongo.limits().spend("b", THREE).await.unwrap();

    wait_of(database.mongo.limits().spend("b", THREE).await);
}

#[tokio::test]
async fn a_bucket_never_holds_more_than_its_burst() {
    let database = scene().await;
    spend_all(&database.mongo).await;
    rest(&database, 3_600).await;

    spend_all(&database.mongo).await;

    wait_of(database.mongo.limits().spend("b", THREE).await);
}

#[tokio::test]
async fn a_fast_bucket_is_full_again_within_a_moment() {
    let database = scene().await;
    let fast = Limit { burst: 1, per_minute: 1_000_000 };

    for _ in 0..20 {
        database
            .mongo
            .limits()
            .spend("b", fast)
            .await
            .or_else(|fault| {
                // A millisecond is the least that the server's clock tells apart.
                if fault.retry_after <= Some(Duration::from_millis(1)) { Ok(()) } else { Err(fault) }
            })
            .unwrap();
    }
}

#[tokio::test]
async fn one_bucket_takes_nothing_from_another() {
    let database = scene().await;
    spend_all(&database.mongo).await;

    database.mongo.limits().spend("c", THREE).await.unwrap();
}

#[tokio::test]
async fn of_forty_at_once_a_new_bucket_of_twenty_lets_twenty_through() {
    let database = scene().await;
    let mut spending = JoinSet::new();
    for mongo in environments(&database, 40).await {
        spending.spawn(async move { mongo.limits().spend("b", Limit { burst: 20, per_minute: 1 }).await });
    }

    let outcomes = spending.join_all().await;

    let (passed, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert!(refused.into_iter().all(|refusal| refusal.unwrap_err().code == Code::RateLimited));
    assert_eq!(passed.len(), 20);
}

async fn connect(mongo: &Mongo) -> ConnectionId {
    let id = ConnectionId("c".to_owned());
    let connection = Connection {
        id: id.clone(),
        user: ANNA,
        session: SessionId("s".to_owned()),
        locale: Locale::En,
        connected_at: AT,
    };
    mongo.connections().insert(&connection).await.unwrap();
    id
}

async fn touch(mongo: &Mongo, id: &ConnectionId, limit: Limit) -> f64 {
    mongo.connections().touch(id, None, AT, limit).await.unwrap().unwrap().tokens
}

#[tokio::test]
async fn a_connection_that_sends_too_much_is_reported() {
    let database = scene().await;
    let id = connect(&database.mongo).await;
    for _ in 0..THREE.burst {
        assert!(touch(&database.mongo, &id, THREE).await >= 0.0);
    }

    let tokens = touch(&database.mongo, &id, THREE).await;

    assert!(tokens < 0.0, "{tokens}");
}

#[tokio::test]
async fn the_debt_of_a_connection_has_an_end() {
    let database = scene().await;
    let id = connect(&database.mongo).await;
    let limit = Limit { burst: 2, per_minute: 5 };
    for _ in 0..80 {
        touch(&database.mongo, &id, limit).await;
    }

    let tokens = touch(&database.mongo, &id, limit).await;

    assert!((-60.0..=-59.0).contains(&tokens), "{tokens}");
}

#[tokio::test]
async fn frames_at_once_are_all_counted() {
    let database = scene().await;
    let id = connect(&database.mongo).await;
    let limit = Limit { burst: 30, per_minute: 1 };
    let mut frames = JoinSet::new();
    for mongo in environments(&database, 20).await {
        let id = id.clone();
        frames.spawn(async move { touch(&mongo, &id, limit).await });
    }
    frames.join_all().await;

    let tokens = touch(&database.mongo, &id, limit).await;

    assert!((9.0..10.0).contains(&tokens), "{tokens}");
}

#[tokio::test]
async fn a_connection_that_is_not_there_counts_nothing() {
    let database = scene().await;
    let unknown = ConnectionId("unknown".to_owned());

    assert!(database.mongo.connections().touch(&unknown, None, AT, THREE).await.unwrap().is_none());
}

use crate::{
    gates::session,
    scene::{ANNA, collection, environments, scene},
    sockets::{connect, touch},
};
use domain::{Code, Fault, Limit};
use mongo::{Bucket, Mongo, Passage, with_quotas};
use mongodb::bson::doc;
use std::time::Duration;
use testkit::{mongo::Database, proxy::Proxy};
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
async fn a_bucket_by_the_hour_holds_as_much_and_fills_sixty_times_slower() {
    let database = scene().await;
    let spend = async || database.mongo.limits().spend_hourly("b", THREE).await;
    for _ in 0..THREE.burst {
        spend().await.unwrap();
    }

    let wait = wait_of(spend().await);

    assert!((Duration::from_mins(59)..=Duration::from_hours(1)).contains(&wait), "{wait:?}");
    rest(&database, 3_600).await;
    spend().await.unwrap();
    wait_of(spend().await);
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
async fn new_bucket_of_twenty_passes_twenty_of_forty_at_once() {
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

#[tokio::test]
async fn limit_of_an_address_shows_its_name_alone() {
    let database = scene().await;

    let spend = async {
        database.mongo.limits().spend("login:192.0.2.1", THREE).await.unwrap();
        database.mongo.limits().spend_unseen("account:x", THREE).await.unwrap();
    };
    let ((), quotas) = with_quotas(spend).await;

    let [quota] = &*quotas else { unreachable!("{quotas:?}") };
    assert_eq!((&*quota.name, quota.burst, quota.left, quota.window), ("login", 3, 2, Duration::from_mins(3)));
}

#[tokio::test]
async fn only_token_comes_back_when_its_time_is_over() {
    let database = scene().await;
    let spend = async || database.mongo.limits().spend_once("b", Duration::from_hours(24)).await.unwrap();

    assert_eq!([spend().await, spend().await], [true, false]);
    rest(&database, 23 * 3_600).await;
    assert!(!spend().await);
    rest(&database, 3_600).await;
    assert_eq!([spend().await, spend().await], [true, false]);
}

#[tokio::test]
async fn holder_of_a_token_has_it_until_it_comes_back() {
    let database = scene().await;
    let hold = async |holder| database.mongo.limits().hold("b", holder, Duration::from_mins(1)).await.unwrap();

    assert_eq!([hold("$x").await, hold("$x").await, hold("y").await, hold("$x").await], [true, true, false, true]);
    rest(&database, 60).await;
    assert_eq!([hold("y").await, hold("$x").await], [true, false]);
}

#[tokio::test]
async fn token_is_taken_once_though_the_answer_of_the_store_is_lost() {
    const ONE: Limit = Limit { burst: 1, per_minute: 1 };
    let database = scene().await;
    connect(&database.mongo, ANNA, ["phone".to_owned()]).await;
    let (proxy, url) = Proxy::before(&database.url).await;
    let mongo = Mongo::connect(&format!("{url}&directConnection=true")).await.unwrap();
    mongo.ping().await.unwrap();
    let losing = async |spent: &str| {
        assert!(proxy.has_fired(), "{spent}");
        proxy.lose_answer("findAndModify");
    };

    losing("nothing").await;
    mongo.limits().spend("b", ONE).await.unwrap();
    losing("spend").await;
    assert!(mongo.limits().spend_once("c", Duration::from_mins(1)).await.unwrap());
    losing("spend_once").await;
    mongo.limits().begin_login("d").await.unwrap();
    let pass = async || mongo.gates().pass(ANNA, &session("live"), Bucket::Sends, ONE).await.unwrap();
    losing("begin_login").await;
    assert_eq!(pass().await, Passage::Open);
    losing("pass").await;
    assert_eq!(touch(&mongo, "phone", 1, ONE).await.wait, None);
    assert!(proxy.has_fired(), "touch");

    assert!(matches!(pass().await, Passage::Limited { .. }));
    assert!(touch(&mongo, "phone", 1, ONE).await.wait.is_some());
    assert!(!mongo.limits().spend_once("c", Duration::from_mins(1)).await.unwrap());
    let failures = collection(&database, "limits").await.find_one(doc! { "_id": "failures:d" }).await.unwrap();
    assert_eq!(failures.unwrap().get_i32("failures").unwrap(), 1);
}

use crate::scene::{collection, environments, scene};
use domain::{Code, Fault};
use mongodb::bson::{DateTime, doc};
use std::time::Duration;
use testkit::mongo::Database;
use tokio::{task::JoinSet, time::Instant};

/// How long the store makes the next try wait, by its own clock: failures are remembered for 15 minutes from the last one.
async fn pause(database: &Database, name: &str) -> i64 {
    let row = collection(database, "limits")
        .await
        .find_one(doc! { "_id": format!("failures:{name}") })
        .await
        .unwrap()
        .unwrap();
    let Ok(until) = row.get_datetime("until") else { return 0 };
    let forgotten = row.get_datetime("expires_at").unwrap();
    (until.timestamp_millis() - forgotten.timestamp_millis() + 15 * 60 * 1_000) / 1_000
}

/// Lets the pause pass.
async fn wait_out(database: &Database, name: &str) {
    let over = doc! { "$set": { "until": DateTime::from_millis(0) } };
    let limits = collection(database, "limits").await;
    limits.update_one(doc! { "_id": format!("failures:{name}") }, over).await.unwrap();
}

async fn fail(database: &Database, name: &str, times: usize) {
    for _ in 0..times {
        database.mongo.limits().begin_login(name).await.unwrap();
        wait_out(database, name).await;
    }
}

fn wait_of(refused: Result<(), Fault>) -> Duration {
    let fault = refused.unwrap_err();
    assert_eq!(fault.code, Code::RateLimited);
    fault.retry_after.unwrap()
}

#[tokio::test]
async fn after_the_fifth_failure_the_pause_doubles_up_to_a_minute() {
    let database = scene().await;
    let mut pauses = Vec::new();
    for _ in 0..14 {
        database.mongo.limits().begin_login("minji").await.unwrap();
        pauses.push(pause(&database, "minji").await);
        wait_out(&database, "minji").await;
    }

    assert_eq!(pauses, [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60]);
}

#[tokio::test]
async fn frequent_failures_wait_and_the_answer_says_how_long() {
    let database = scene().await;
    fail(&database, "minji", 11).await;
    database.mongo.limits().begin_login("minji").await.unwrap();

    let wait = wait_of(database.mongo.limits().begin_login("minji").await);

    assert!((Duration::from_secs(30)..=Duration::from_mins(1)).contains(&wait), "{wait:?}");
}

#[tokio::test]
async fn a_try_during_the_pause_makes_it_no_longer() {
    let database = scene().await;
    fail(&database, "minji", 11).await;
    database.mongo.limits().begin_login("minji").await.unwrap();
    let first = wait_of(database.mongo.limits().begin_login("minji").await);

    let second = wait_of(database.mongo.limits().begin_login("minji").await);

    assert!(second <= first, "{second:?} after {first:?}");
}

#[tokio::test]
async fn thirty_tries_at_once_are_no_more_than_one_after_the_other() {
    let database = scene().await;
    let begun = Instant::now();
    let mut trying = JoinSet::new();
    for mongo in environments(&database, 30).await {
        trying.spawn(async move { mongo.limits().begin_login("minji").await });
    }

    let allowed = trying.join_all().await.iter().filter(|outcome| outcome.is_ok()).count();

    // Five; one more after a second, another one after two more, should the machine be that slow.
    let later = (1 + begun.elapsed().as_secs()).ilog2() as usize;
    assert!((5..=5 + later).contains(&allowed), "{allowed} were let through");
}

#[tokio::test]
async fn a_success_clears_the_failures() {
    let database = scene().await;
    fail(&database, "minji", 12).await;
    database.mongo.limits().forget_failed_logins("minji").await.unwrap();

    database.mongo.limits().begin_login("minji").await.unwrap();

    assert_eq!(pause(&database, "minji").await, 0);
}

#[tokio::test]
async fn failures_under_one_name_hold_up_no_other() {
    let database = scene().await;
    fail(&database, "minji", 11).await;
    database.mongo.limits().begin_login("minji").await.unwrap();
    wait_of(database.mongo.limits().begin_login("minji").await);

    database.mongo.limits().begin_login("junho").await.unwrap();
}

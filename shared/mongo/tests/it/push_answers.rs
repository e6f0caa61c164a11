//! How push services have answered all environments.

use crate::scene::{AT, environments};
use domain::notification::{Answers, Platform};
use std::{collections::HashMap, time::Duration};
use testkit::mongo::Database;
use tokio::task::JoinSet;

fn answers(service: Platform, all: i64, unknown: i64) -> HashMap<Platform, Answers> {
    HashMap::from([(service, Answers { all, unknown })])
}

#[tokio::test]
async fn answers_are_added_up_by_service_and_hour() {
    let database = Database::new().await;
    let counts = database.mongo.push_answers();

    assert_eq!(counts.find(AT).await.unwrap(), HashMap::new());
    assert_eq!(counts.add(AT, &answers(Platform::Fcm, 3, 1)).await.unwrap(), answers(Platform::Fcm, 3, 1));
    let both = counts.add(AT, &answers(Platform::Apns, 2, 0)).await.unwrap();
    assert_eq!(both[&Platform::Fcm], Answers { all: 3, unknown: 1 });
    assert_eq!(both[&Platform::Apns], Answers { all: 2, unknown: 0 });
    let later = AT.plus(Duration::from_hours(1));
    assert_eq!(counts.add(later, &answers(Platform::Fcm, 1, 0)).await.unwrap(), answers(Platform::Fcm, 1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_of_twenty_environments_at_once_are_all_counted() {
    let database = Database::new().await;
    let mut counting = JoinSet::new();
    for mongo in environments(&database, 20).await {
        counting.spawn(async move { mongo.push_answers().add(AT, &answers(Platform::Fcm, 5, 2)).await.unwrap() });
    }

    let told = counting.join_all().await;

    let most = told.iter().map(|all| all[&Platform::Fcm].all).max();
    assert_eq!(most, Some(100), "whoever was last sees all");
}

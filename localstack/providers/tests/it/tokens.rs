//! Tokens that the services take for a while.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicI64, Ordering},
};

use domain::Clock;
use futures_util::future::join_all;
use mongo::Mongo;
use providers::Providers;
use push::Outcome;
use testkit::mongo::Database;

use crate::scene::{KEYS, Scene, android, client, iphone, message, minutes};

#[tokio::test]
async fn twenty_environments_share_the_tokens() {
    let (stand_ins, database) = (Providers::start(&KEYS, boot::clock()).await.unwrap(), Database::new().await);
    let environments: Vec<_> = (0..20).map(|_| client(&stand_ins, boot::clock(), &[], Some(&database.mongo))).collect();
    let first = &environments[0];
    for device in [android(), iphone()] {
        assert_eq!(first.send(&device, &message("a")).await, Outcome::Delivered);
    }

    let sending = environments.iter().map(async |environment| {
        for device in [android(), iphone()] {
            assert_eq!(environment.send(&device, &message("a")).await, Outcome::Delivered);
        }
    });
    join_all(sending).await;

    let records = stand_ins.records(0);
    let of = |provider: &'static str| records.iter().filter(move |record| record.provider == provider);
    let tokens: BTreeSet<_> = of("apns").map(|record| &record.headers["authorization"]).collect();
    assert_eq!((of("token").count(), of("apns").count(), tokens.len()), (1, 21, 1));
}

#[tokio::test]
async fn twenty_environments_that_begin_at_once_settle_on_one_token() {
    let (stand_ins, database) = (Providers::start(&KEYS, boot::clock()).await.unwrap(), Database::new().await);
    let environments: Vec<_> = (0..20).map(|_| client(&stand_ins, boot::clock(), &[], Some(&database.mongo))).collect();

    let outcomes =
        join_all(environments.iter().map(async |environment| environment.send(&iphone(), &message("a")).await)).await;

    assert_eq!(outcomes, vec![Outcome::Delivered; 20]);
    let records = stand_ins.records(0);
    let tokens: BTreeSet<_> = records.iter().map(|record| &record.headers["authorization"]).collect();
    assert_eq!(tokens.len(), 1);
}

#[tokio::test]
async fn provider_token_is_renewed_after_forty_minutes() {
    static MINUTE: AtomicI64 = AtomicI64::new(0);
    let clock = Clock(|| minutes(MINUTE.load(Ordering::Relaxed)));
    let scene = Scene::with(clock, &[]).await;

    for minute in [0, 39, 40, 61, 79, 80, 200] {
        MINUTE.store(minute, Ordering::Relaxed);
        assert_eq!(scene.send(&iphone()).await, Outcome::Delivered, "{minute}");
        assert_eq!(scene.send(&android()).await, Outcome::Delivered, "{minute}");
    }

    let sent = scene.sent_to("apns");
    let tokens: BTreeSet<_> = sent.iter().map(|record| &record.headers["authorization"]).collect();
    assert_eq!(tokens.len(), 4);
    assert_eq!(scene.sent_to("token").len(), 3, "FCM's lives for an hour");
}

#[tokio::test]
async fn store_that_is_away_keeps_nobody_from_being_told() {
    let stand_ins = Providers::start(&KEYS, boot::clock()).await.unwrap();
    let away = Mongo::connect("mongodb://127.0.0.1:1/chat").await.unwrap();
    let client = client(&stand_ins, boot::clock(), &[], Some(&away));

    assert_eq!(client.send(&iphone(), &message("a")).await, Outcome::Delivered);
}

//! Services that do not answer.

use futures_util::future::join_all;
use providers::{Fault, Record, Refuse};
use push::Outcome;

use crate::scene::{APNS_TOKEN, FCM_TOKEN, Scene, android, failed, iphone};

#[tokio::test]
async fn answer_that_was_lost_is_asked_for_once_more() {
    let scene = Scene::new().await;
    let (browser, device) = scene.browser();
    for (target, device) in [(FCM_TOKEN, android()), (APNS_TOKEN, iphone()), (browser.id.as_str(), device)] {
        scene.stand_ins.fail(target, 1, Fault::Cut);
        assert_eq!(scene.send(&device).await, Outcome::Delivered, "{target}");
        scene.stand_ins.fail(target, 2, Fault::Cut);
        assert_eq!(scene.send(&device).await, Outcome::Again(None), "{target}");
    }
    for provider in ["fcm", "apns", "webpush"] {
        let sent = scene.sent_to(provider);
        assert_eq!(sent.len(), 4, "{provider}");
        assert!(sent.iter().all(Record::is_taken), "{provider}");
    }
}

#[tokio::test]
async fn silent_service_is_left_after_five_seconds() {
    let scene = Scene::new().await;
    let (browser, device) = scene.browser();
    for target in [FCM_TOKEN, APNS_TOKEN, browser.id.as_str()] {
        scene.stand_ins.fail(target, 1, Fault::Silence);
    }
    let begun = std::time::Instant::now();

    let outcomes = join_all([&android(), &iphone(), &device].map(|device| scene.send(device))).await;

    assert_eq!(outcomes, vec![Outcome::Again(None); 3]);
    assert!((4..8).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn service_failing_half_of_its_calls_is_skipped_until_the_next_run() {
    let scene = Scene::new().await;
    let (_, device) = scene.browser();
    scene.refuse("fcm", 1_000, Refuse::with(503));

    for _ in 0..30 {
        assert_eq!(scene.send(&android()).await, Outcome::Again(None));
    }

    assert_eq!(scene.sent_to("fcm").len(), 20);
    assert_eq!(scene.send(&device).await, Outcome::Delivered, "the others go on");
    scene.client.begin();
    assert_eq!(scene.send(&android()).await, Outcome::Again(None));
    assert_eq!(scene.sent_to("fcm").len(), 21);
}

#[tokio::test]
async fn service_without_credentials_is_not_configured() {
    let scene = Scene::with(boot::clock(), &[("PUSH_SECRET", "{}")]).await;
    let (_, device) = scene.browser();
    for (device, provider) in [(android(), "fcm"), (iphone(), "apns"), (device, "webpush")] {
        assert_eq!(scene.send(&device).await, failed(&format!("{provider} not configured")));
    }
    assert!(scene.stand_ins.records(0).is_empty());
}

#[tokio::test]
async fn credentials_that_no_service_takes_remove_no_device() {
    let scene = Scene::new().await;
    let other = providers::Keys::generate().unwrap().secret().to_string();
    let client = crate::scene::client(&scene.stand_ins, boot::clock(), &[("PUSH_SECRET", &other)], None);
    let (_, device) = scene.browser();

    for device in [android(), iphone(), device] {
        let outcome = client.send(&device, &crate::scene::message("a")).await;
        assert!(matches!(outcome, Outcome::Failed(_)), "{outcome:?}");
    }

    assert!(scene.stand_ins.records(0).iter().all(|record| !record.is_taken()));
}

//! APNs.

use std::time::Duration;

use domain::{
    Timestamp,
    notification::{Address, PushHost},
};
use providers::Refuse;
use push::{News, Notification, Outcome};
use serde_json::json;

use crate::scene::{APNS_TOKEN, Scene, device, failed, iphone, message};

fn refusal(status: u16, reason: &str) -> Refuse {
    Refuse { reason: Some(reason.to_owned()), ..Refuse::with(status) }
}

#[tokio::test]
async fn message_reaches_an_app_with_one_provider_token() {
    let scene = Scene::new().await;
    let counted = Notification { badge: Some(2), ..message("내일 봐요") };

    for _ in 0..3 {
        assert_eq!(scene.client.send(&iphone(), &counted).await, Outcome::Delivered);
    }

    let sent = scene.sent_to("apns");
    let header = |number: usize, name: &str| sent[number].headers[name].clone();
    assert_eq!(header(0, "authorization"), header(2, "authorization"));
    for (name, value) in [
        ("apns-topic", "example.chat.local"),
        ("apns-push-type", "alert"),
        ("apns-priority", "10"),
        ("apns-collapse-id", "66f000000000000000000001"),
    ] {
        assert_eq!(header(0, name), value);
    }
    let day = header(0, "apns-expiration").parse::<i64>().unwrap() - sent[0].at / 1_000;
    assert!((86_390..=86_410).contains(&day), "{day}");
    let expected = json!({
        "aps": {
            "alert": {"title": "홍길동", "body": "내일 봐요"},
            "sound": "default", "thread-id": "private:4", "mutable-content": 1, "badge": 2,
        },
        "v": "1", "kind": "message", "room": "private:4", "id": "66f000000000000000000001", "seq": "418",
    });
    assert_eq!(sent[0].body, expected);
}

#[tokio::test]
async fn tokens_of_development_go_to_the_sandbox_alone() {
    let scene = Scene::new().await;
    let token = scene.stand_ins.apns_device(true);
    let wrong = device(Address::Apns(token.clone(), PushHost::Production));
    let right = device(Address::Apns(token, PushHost::Development));

    assert_eq!(scene.send(&wrong).await, Outcome::DeviceGone);
    assert_eq!(scene.send(&right).await, Outcome::Delivered);

    assert_eq!((scene.sent_to("apns").len(), scene.sent_to("apns-sandbox").len()), (1, 1));
}

#[tokio::test]
async fn device_goes_unless_it_registered_after_its_token_ended() {
    let scene = Scene::new().await;
    let ended = |at: Timestamp| Refuse { timestamp: Some(at.millis()), ..Refuse::with(410) };
    let device = iphone();

    scene.refuse(APNS_TOKEN, 1, ended(device.seen_at.plus(Duration::from_secs(1))));
    assert_eq!(scene.send(&device).await, Outcome::DeviceGone);
    scene.refuse(APNS_TOKEN, 1, ended(device.seen_at.minus(Duration::from_secs(1))));
    assert_eq!(scene.send(&device).await, Outcome::Again(None));
    for reason in ["BadDeviceToken", "DeviceTokenNotForTopic"] {
        scene.refuse(APNS_TOKEN, 1, refusal(400, reason));
        assert_eq!(scene.send(&device).await, Outcome::DeviceGone, "{reason}");
    }
}

#[tokio::test]
async fn busy_apns_is_tried_again() {
    let scene = Scene::new().await;
    for (status, reason) in
        [(429, "TooManyRequests"), (500, "InternalServerError"), (503, "ServiceUnavailable"), (503, "Shutdown")]
    {
        scene.refuse(APNS_TOKEN, 1, Refuse { retry_after: Some(9), ..refusal(status, reason) });
        assert_eq!(scene.send(&iphone()).await, Outcome::Again(Some(Duration::from_secs(9))), "{reason}");
    }
    scene.refuse(APNS_TOKEN, 1, refusal(429, "TooManyProviderTokenUpdates"));
    assert_eq!(scene.send(&iphone()).await, Outcome::Again(Some(Duration::from_mins(10))));
    let tokens = scene.sent_to("apns").into_iter().map(|record| record.headers["authorization"].clone());
    assert_eq!(tokens.collect::<std::collections::BTreeSet<_>>().len(), 1, "the token is kept");
}

#[tokio::test]
async fn faults_of_ours_leave_the_device() {
    let scene = Scene::new().await;
    for (status, reason) in
        [(413, "PayloadTooLarge"), (400, "BadTopic"), (403, "BadCertificate"), (405, "MethodNotAllowed")]
    {
        scene.refuse(APNS_TOKEN, 1, refusal(status, reason));
        assert_eq!(scene.send(&iphone()).await, failed(&format!("apns {status} {reason}")));
    }
}

#[tokio::test]
async fn refused_provider_token_is_replaced_once() {
    for reason in ["ExpiredProviderToken", "InvalidProviderToken"] {
        let scene = Scene::new().await;
        // Its token is the first that the service sees.
        scene.refuse("apns", 1, refusal(403, reason));
        assert_eq!(scene.send(&iphone()).await, Outcome::Delivered, "{reason}");
        let sent = scene.sent_to("apns");
        assert_eq!(sent.len(), 2);

        scene.refuse("apns", 1, refusal(403, reason));
        assert!(matches!(scene.send(&iphone()).await, Outcome::Failed(_)), "{reason}");
        assert_eq!(scene.sent_to("apns").len(), 3, "no other token within 20 minutes");
    }
}

#[tokio::test]
async fn message_read_elsewhere_only_lowers_the_badge() {
    let scene = Scene::new().await;
    let clear = |badge| Notification { news: News::Clear, badge, id: None, ..message("") };

    assert_eq!(scene.client.send(&iphone(), &clear(Some(0))).await, Outcome::Delivered);
    assert_eq!(scene.client.send(&iphone(), &clear(None)).await, Outcome::Delivered);

    let sent = scene.sent_to("apns");
    assert_eq!(sent.len(), 1, "without a number there is nothing to say");
    assert_eq!((sent[0].headers["apns-priority"].as_str(), &sent[0].body["aps"]), ("5", &json!({"badge": 0})));
}

use crate::{Desk, JUNHO, KEY, MINJI, PHONE, TABLET, fcm, field, refused};
use axum::http::Method;
use domain::notification::Platform;
use serde_json::{Value, json};
use testkit::NOON;

const INSTALLATION: &str = "5f0c9d1e-7a3b-4c2d-9e8f-000000000001";

/// Of RFC 8291, appendix A.
const POINT: &str = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";

fn webpush(endpoint: &str, p256dh: &str, auth: &str) -> Value {
    let subscription = json!({ "endpoint": endpoint, "keys": { "p256dh": p256dh, "auth": auth } });
    json!({ "platform": "webpush", "subscription": subscription })
}

#[tokio::test]
async fn device_is_registered_once_and_shown_without_its_token() {
    let desk = Desk::new().await;
    let device = json!({
        "platform": "apns", "token": "00FF00ff", "environment": "development", "locale": "ko",
        "time_zone": "asia/seoul", "app_version": "1.2.3",
    });

    let made = desk.put(MINJI, PHONE, &device).await;
    let again = desk.put(MINJI, PHONE, &device).await;

    let shown = json!({
        "id": INSTALLATION, "platform": "apns", "locale": "ko", "time_zone": "Asia/Seoul", "app_version": "1.2.3",
        "created_at": NOON, "seen_at": NOON, "last_push_at": null, "last_error": null,
    });
    assert_eq!(made.parts(), (201, shown.clone()));
    assert_eq!(again.parts(), (200, shown.clone()));
    assert_eq!(
        desk.get(MINJI, "/notifications/devices").await.json(),
        json!({ "items": [shown], "next_cursor": null })
    );
}

#[tokio::test]
async fn registration_costs_three_commands_once_the_device_is_known() {
    let desk = Desk::new().await;
    let mut profile = desk.profile().await;

    // The gate; who has the token, whose it was, the device, which are too many; the gate once more, and the device's confirmation.
    desk.put(MINJI, PHONE, &fcm("t")).await;
    assert_eq!(profile.count().await, 7);
    desk.put(MINJI, PHONE, &fcm("t")).await;
    assert_eq!(profile.count().await, 3);
}

#[tokio::test]
async fn language_of_the_request_is_that_of_the_device() {
    let desk = Desk::new().await;
    assert_eq!(desk.put(MINJI, PHONE, &fcm("t")).await.json()["locale"], "en");
}

#[tokio::test]
async fn token_follows_whoever_logs_in_on_the_phone() {
    let desk = Desk::new().await;
    desk.put(MINJI, PHONE, &fcm("t")).await;

    assert_eq!(desk.put(JUNHO, PHONE, &fcm("t")).await.status, 201);

    assert_eq!((desk.devices(MINJI).await, desk.devices(JUNHO).await.len()), (Vec::new(), 1));
}

#[tokio::test]
async fn token_of_another_platform_is_another_one() {
    let desk = Desk::new().await;
    desk.put(MINJI, PHONE, &fcm("00ff")).await;
    desk.put(JUNHO, TABLET, &json!({ "platform": "apns", "token": "00ff" })).await;

    assert_eq!((desk.devices(MINJI).await.len(), desk.devices(JUNHO).await.len()), (1, 1));
}

#[tokio::test]
async fn device_that_is_gone_is_removed_again() {
    let desk = Desk::new().await;
    desk.put(MINJI, PHONE, &fcm("a")).await;
    desk.put(MINJI, TABLET, &fcm("b")).await;

    for _ in 0..2 {
        assert_eq!(desk.delete(MINJI, PHONE).await.status, 204);
        assert_eq!(desk.delete(JUNHO, TABLET).await.status, 204, "somebody else's is left alone");
    }

    assert_eq!(desk.devices(MINJI).await, ["5f0c9d1e-7a3b-4c2d-9e8f-000000000002"]);
}

#[tokio::test]
async fn session_that_ended_registers_nothing() {
    let desk = Desk::new().await;
    desk.end_session(MINJI).await;

    assert_eq!(desk.put(MINJI, PHONE, &fcm("t")).await.refusal(), refused(401, "unauthenticated"));
    assert_eq!(desk.app().mongo.devices().list(MINJI).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn registration_and_the_end_of_its_session_leave_no_device() {
    for _ in 0..20 {
        let desk = Desk::new().await;
        let mongo = &desk.app().mongo;
        let end = async {
            desk.end_session(MINJI).await;
            let mut causal = mongo.causal().await.unwrap();
            let found = mongo.devices().list_sessions_in(&mut causal, MINJI).await.unwrap();
            let found: Vec<_> = found.into_iter().collect();
            mongo.devices().remove_of_sessions(MINJI, &found).await.unwrap();
        };

        let device = fcm("t");
        tokio::join!(desk.put(MINJI, PHONE, &device), end);

        assert_eq!(mongo.devices().list(MINJI).await.unwrap(), []);
    }
}

#[tokio::test]
async fn bad_devices_are_refused_by_their_field() {
    let desk = Desk::new().await;
    let endpoint = "https://push.example.com/1";
    for (device, name, code) in [
        (json!({ "platform": "fcm" }), "token", "required"),
        (json!({ "platform": "fcm", "token": "" }), "token", "bad_format"),
        (json!({ "platform": "apns", "token": "../x" }), "token", "bad_format"),
        (json!({ "platform": "webpush" }), "subscription", "required"),
        (json!({ "platform": "webpush", "token": "t" }), "token", "contradiction"),
        (json!({ "platform": "fcm", "token": "t", "environment": "production" }), "environment", "contradiction"),
        (json!({ "platform": "fcm", "token": "t", "time_zone": "Mars" }), "time_zone", "not_found"),
        (json!({ "platform": "fcm", "token": "t", "app_version": "" }), "app_version", "blank"),
        (json!({ "platform": "gcm", "token": "t" }), "platform", "wrong_type"),
        (webpush("https://evil.example/", POINT, AUTH), "subscription.endpoint", "not_allowed"),
        (webpush("http://push.example.com/1", POINT, AUTH), "subscription.endpoint", "not_allowed"),
        (webpush(endpoint, "?", AUTH), "subscription.keys.p256dh", "bad_format"),
        (webpush(endpoint, POINT, "AAAA"), "subscription.keys", "bad_format"),
        (webpush(endpoint, &POINT.replace("iw4", "iw8"), AUTH), "subscription.keys", "bad_format"),
    ] {
        let answer = desk.put(MINJI, PHONE, &device).await;
        assert_eq!(field(&answer), (name.to_owned(), code.to_owned()), "{device}");
    }
    assert_eq!(desk.put(MINJI, PHONE, &webpush(endpoint, POINT, AUTH)).await.status, 201);
    let unknown = desk.put(MINJI, "/notifications/devices/1", &fcm("t")).await;
    assert_eq!(unknown.refusal(), refused(404, "device_not_found"));
}

#[tokio::test]
async fn platform_without_credentials_is_not_supported() {
    let desk = Desk::new().await.with(|app| app.platforms = vec![Platform::Apns]);

    let answer = desk.put(MINJI, PHONE, &fcm("t")).await;

    assert_eq!(field(&answer), ("platform".to_owned(), "unsupported".to_owned()));
}

#[tokio::test]
async fn browsers_learn_the_public_key_if_there_is_one() {
    let desk = Desk::new().await;
    assert_eq!(desk.get(MINJI, "/notifications/webpush").await.json(), json!({ "public_key": KEY }));

    let desk = desk.with(|app| app.vapid_public_key = None);
    assert_eq!(desk.get(MINJI, "/notifications/webpush").await.refusal(), refused(404, "push_off"));
}

#[tokio::test]
async fn test_is_a_job_for_one_device() {
    let desk = Desk::new().await;
    desk.put(MINJI, PHONE, &fcm("t")).await;
    let test = json!({ "installation": INSTALLATION.to_uppercase() });

    let answer = desk.call(MINJI, Method::POST, "/notifications/test", &test).await;

    assert_eq!(answer.status, 202, "{}", answer.text);
    let jobs = desk.queue.bodies();
    assert_eq!((jobs.len(), &jobs[0]["kind"]), (1, &json!("test")));
    assert_eq!(jobs[0]["devices"], json!([{ "user": MINJI, "installation": INSTALLATION }]));
    assert!(!jobs[0].to_string().contains("\"t\""), "{}", jobs[0]);
}

#[tokio::test]
async fn test_is_refused_without_a_device_a_queue_or_a_token() {
    let desk = Desk::new().await;
    let test = json!({ "installation": INSTALLATION });
    let ask = async |desk: &Desk, user| desk.call(user, Method::POST, "/notifications/test", &test).await.refusal();

    assert_eq!(ask(&desk, MINJI).await, refused(404, "device_not_found"));
    desk.put(MINJI, PHONE, &fcm("t")).await;
    assert_eq!(ask(&desk, JUNHO).await, refused(404, "device_not_found"), "somebody else's");
    desk.queue.go_away();
    assert_eq!(ask(&desk, MINJI).await, refused(503, "unavailable"));
    let desk = desk.with(|app| app.jobs = None);
    assert_eq!(ask(&desk, MINJI).await, refused(404, "push_off"));
    let desk = desk.with(|app| app.limits = testkit::limits_of(1, 1));
    for _ in 0..2 {
        ask(&desk, MINJI).await;
    }
    assert_eq!(ask(&desk, MINJI).await, refused(429, "rate_limited"));
}

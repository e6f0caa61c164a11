//! FCM.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use domain::{Clock, Seq, notification::Preview};
use providers::Refuse;
use push::{News, Notification, Outcome};
use serde_json::json;

use crate::scene::{FCM_TOKEN, Scene, android, failed, message, minutes};

fn refusal(status: u16, reason: &str) -> Refuse {
    Refuse { reason: Some(reason.to_owned()), ..Refuse::with(status) }
}

#[tokio::test]
async fn message_reaches_an_app_after_one_login() {
    let scene = Scene::new().await;

    for _ in 0..3 {
        assert_eq!(scene.send(&android()).await, Outcome::Delivered);
    }

    assert_eq!(scene.sent_to("token").len(), 1);
    let sent = scene.sent_to("fcm");
    assert_eq!(sent.len(), 3);
    let message = &sent[0].body["message"];
    assert_eq!(message["token"], FCM_TOKEN);
    assert_eq!(message["notification"], json!({"title": "홍길동", "body": "내일 봐요"}));
    let data =
        json!({"v": "1", "kind": "message", "room": "private:4", "id": "66f000000000000000000001", "seq": "418"});
    assert_eq!(message["data"], data);
    let android = json!({
        "priority": "HIGH", "ttl": "86400s", "notification": {"tag": "private:4", "channel_id": "messages"},
    });
    assert_eq!(message["android"], android);
    assert_eq!(message["apns"]["headers"]["apns-collapse-id"], "66f000000000000000000001");
    assert_eq!(message["apns"]["payload"]["aps"]["thread-id"], "private:4");
}

#[tokio::test]
async fn device_goes_when_fcm_names_its_token() {
    let scene = Scene::new().await;
    for (status, reason) in [(404, "UNREGISTERED"), (400, "INVALID_ARGUMENT"), (403, "SENDER_ID_MISMATCH")] {
        scene.refuse(FCM_TOKEN, 1, refusal(status, reason));
        assert_eq!(scene.send(&android()).await, Outcome::DeviceGone, "{status} {reason}");
    }
}

#[tokio::test]
async fn busy_fcm_is_tried_again_when_it_says() {
    let scene = Scene::new().await;
    for status in [429, 500, 503] {
        scene.refuse(FCM_TOKEN, 1, Refuse { retry_after: Some(30), ..Refuse::with(status) });
        assert_eq!(scene.send(&android()).await, Outcome::Again(Some(Duration::from_secs(30))), "{status}");
        scene.refuse(FCM_TOKEN, 1, Refuse::with(status));
        assert_eq!(scene.send(&android()).await, Outcome::Again(None), "{status}");
    }
}

#[tokio::test]
async fn faults_of_ours_leave_the_device() {
    let scene = Scene::new().await;
    scene.refuse(FCM_TOKEN, 1, refusal(403, "THIRD_PARTY_AUTH_ERROR"));
    assert_eq!(scene.send(&android()).await, failed("fcm 403 THIRD_PARTY_AUTH_ERROR"));
    scene.refuse("token", 1, Refuse::with(400));
    scene.stand_ins.revoke_fcm_tokens();
    assert_eq!(scene.send(&android()).await, failed("fcm login 400"));
}

#[tokio::test]
async fn token_that_fcm_refuses_is_replaced_once() {
    let scene = Scene::new().await;
    assert_eq!(scene.send(&android()).await, Outcome::Delivered);
    scene.stand_ins.revoke_fcm_tokens();
    assert_eq!(scene.send(&android()).await, Outcome::Delivered);
    assert_eq!(scene.sent_to("token").len(), 2);

    scene.refuse("fcm", 2, Refuse::with(401));
    assert!(matches!(scene.send(&android()).await, Outcome::Failed(_)));
    assert_eq!(scene.sent_to("token").len(), 2, "no login for each message that is refused");
}

#[tokio::test]
async fn login_that_google_is_too_busy_for_is_tried_again() {
    static MINUTE: AtomicI64 = AtomicI64::new(0);
    let scene = Scene::with(Clock(|| minutes(MINUTE.load(Ordering::Relaxed))), &[]).await;
    scene.refuse("token", 1, Refuse { retry_after: Some(5), ..Refuse::with(503) });
    assert_eq!(scene.send(&android()).await, Outcome::Again(Some(Duration::from_secs(5))));
    assert!(matches!(scene.send(&android()).await, Outcome::Again(_)));
    assert_eq!(scene.sent_to("token").len(), 1, "no login for each message");

    MINUTE.store(1, Ordering::Relaxed);
    assert_eq!(scene.send(&android()).await, Outcome::Delivered);
}

#[tokio::test]
async fn message_read_elsewhere_is_cleared_silently() {
    let scene = Scene::new().await;
    let clear = Notification { news: News::Clear, badge: Some(3), seq: Some(Seq(418)), id: None, ..message("") };

    assert_eq!(scene.client.send(&android(), &clear).await, Outcome::Delivered);

    let message = &scene.sent_to("fcm")[0].body["message"];
    let data = json!({"v": "1", "kind": "clear", "room": "private:4", "read_seq": "418", "badge": "3"});
    assert_eq!(message["data"], data);
    assert_eq!(message["android"], json!({"priority": "NORMAL", "ttl": "86400s", "collapse_key": "clear"}));
    assert_eq!(message["apns"]["payload"], json!({"aps": {"badge": 3}}));
    assert!(message["notification"].is_null());
}

#[tokio::test]
async fn badge_is_the_number_at_the_icon() {
    let scene = Scene::new().await;
    let counted = Notification { badge: Some(7), preview: Preview::None, ..message("내일 봐요") };

    assert_eq!(scene.client.send(&android(), &counted).await, Outcome::Delivered);

    let message = &scene.sent_to("fcm")[0].body["message"];
    assert_eq!(message["android"]["notification"]["notification_count"], 7);
    assert_eq!(message["notification"], json!({"title": "BigTech Chat", "body": "새 메시지가 있습니다"}));
}

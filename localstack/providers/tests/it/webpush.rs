//! The push services of browsers.

use std::time::Duration;

use providers::Refuse;
use push::{News, Notification, Outcome};
use serde_json::json;

use crate::scene::{Scene, address_of, device, failed, message};

#[tokio::test]
async fn browser_reads_what_its_service_cannot() {
    let scene = Scene::new().await;
    let (browser, device) = scene.browser();

    assert_eq!(scene.send(&device).await, Outcome::Delivered);

    let sent = scene.sent_to("webpush");
    let expected = json!({
        "v": "1", "kind": "message", "room": "private:4", "id": "66f000000000000000000001", "seq": "418",
        "tag": "private:4", "title": "홍길동", "body": "내일 봐요",
    });
    assert_eq!((&sent[0].target, &sent[0].body), (&browser.id, &expected));
    for (name, value) in [("ttl", "86400"), ("urgency", "high"), ("content-encoding", "aes128gcm")] {
        assert_eq!(sent[0].headers[name], value);
    }
    assert_eq!(sent[0].headers["topic"].len(), 24);
}

#[tokio::test]
async fn topic_tells_nothing_of_the_room_and_one_token_serves_a_service() {
    let scene = Scene::new().await;
    let ((_, one), (_, other)) = (scene.browser(), scene.browser());

    for device in [&one, &one, &other] {
        assert_eq!(scene.send(device).await, Outcome::Delivered);
    }

    let sent = scene.sent_to("webpush");
    let header = |number: usize, name: &str| sent[number].headers[name].clone();
    assert_eq!(header(0, "topic"), header(1, "topic"));
    assert_ne!(header(0, "topic"), header(2, "topic"));
    assert_eq!(header(0, "authorization"), header(2, "authorization"));
}

#[tokio::test]
async fn each_answer_says_whether_the_browser_stays() {
    let scene = Scene::new().await;
    let (browser, device) = scene.browser();
    let again = Outcome::Again(Some(Duration::from_secs(3)));
    for (status, expected) in [
        (404, Outcome::DeviceGone),
        (410, Outcome::DeviceGone),
        (429, again.clone()),
        (500, again.clone()),
        (503, again),
        (400, failed("webpush 400")),
        (401, failed("webpush 401")),
        (403, failed("webpush 403")),
        (413, failed("webpush 413")),
    ] {
        scene.refuse(&browser.id, 1, Refuse { retry_after: Some(3), ..Refuse::with(status) });
        assert_eq!(scene.send(&device).await, expected, "{status}");
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let scene = Scene::new().await;
    let ((browser, device), (other, _)) = (scene.browser(), scene.browser());
    for status in [301, 302, 303, 307, 308] {
        scene.refuse(&browser.id, 1, Refuse { location: Some(other.endpoint.clone()), ..Refuse::with(status) });
        assert_eq!(scene.send(&device).await, failed(&format!("webpush {status}")));
    }
    assert!(scene.sent_to("webpush").iter().all(|record| record.target == browser.id));
}

#[tokio::test]
async fn browsers_are_not_told_what_they_could_not_show() {
    let scene = Scene::new().await;
    let (_, device) = scene.browser();
    let clear = Notification { news: News::Clear, badge: Some(1), ..message("") };

    assert_eq!(scene.client.send(&device, &clear).await, Outcome::Delivered);

    assert!(scene.sent_to("webpush").is_empty());
}

#[tokio::test]
async fn subscription_that_nobody_made_is_gone() {
    let scene = Scene::new().await;
    let (mut browser, _) = scene.browser();
    browser.endpoint = format!("{}/webpush/unknown", scene.stand_ins.url());
    let device = device(address_of(&browser));

    assert_eq!(scene.send(&device).await, Outcome::DeviceGone);
}

#[tokio::test]
async fn endpoint_that_the_settings_do_not_name_is_not_asked() {
    let scene = Scene::with(boot::clock(), &[("WEBPUSH_HOSTS", "updates.push.services.mozilla.com")]).await;
    let (_, device) = scene.browser();

    assert_eq!(scene.send(&device).await, failed("no endpoint of a known service"));

    assert!(scene.stand_ins.records(0).is_empty());
}

//! Texts that are hard to cut.

use domain::notification::Preview;
use push::{News, Notification, Outcome, Text};

use crate::scene::{Scene, android, iphone, message};

/// What each service was told last: its title and body.
async fn told(scene: &Scene, notification: &Notification) -> Vec<(String, String)> {
    let (_, browser) = scene.browser();
    for device in [android(), iphone(), browser] {
        assert_eq!(scene.client.send(&device, notification).await, Outcome::Delivered);
    }
    let last = |provider| scene.sent_to(provider).pop().unwrap().body;
    let (fcm, apns, webpush) = (last("fcm"), last("apns"), last("webpush"));
    let texts = [&fcm["message"]["notification"], &apns["aps"]["alert"], &webpush];
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    texts.into_iter().map(|texts| (text(&texts["title"]), text(&texts["body"]))).collect()
}

#[tokio::test]
async fn hard_texts_fit_every_service_in_whole_characters() {
    let scene = Scene::new().await;
    let family = "👩‍👩‍👧‍👦";
    let decomposed = "\u{1112}\u{1161}\u{11ab}";
    for text in [
        "\u{3164}".repeat(300),
        family.repeat(300),
        decomposed.repeat(300),
        "\"\\".repeat(300),
        format!("{family}{}", "e\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}".repeat(300)),
    ] {
        for (title, body) in told(&scene, &message(&text)).await {
            let kept = body.strip_suffix('…').unwrap();
            assert!(text.starts_with(kept) && kept.len() >= 180, "{body}");
            assert_eq!(title, "홍길동");
        }
    }
}

#[tokio::test]
async fn text_of_one_character_that_fits_nowhere_is_a_new_message() {
    let scene = Scene::new().await;
    for text in told(&scene, &message(&format!("a{}", "\u{301}".repeat(5_000)))).await {
        assert_eq!(text, ("홍길동".to_owned(), "새 메시지".to_owned()));
    }
}

#[tokio::test]
async fn longest_names_leave_place_for_the_text() {
    let scene = Scene::new().await;
    let name = "👩‍👩‍👧‍👦".repeat(100);
    let news = News::Message {
        sender: name.clone(),
        group: Some(name),
        text: Text::Plain("내일 봐요 ".repeat(100)),
        is_mention: true,
    };
    for (title, body) in told(&scene, &Notification { news, ..message("") }).await {
        assert!(title.ends_with('…') && body.ends_with("봐요…") && body.contains("…: 내일 봐요"), "{title} / {body}");
    }
}

#[tokio::test]
async fn deployment_that_shows_no_text_sends_none() {
    let scene = Scene::with(boot::clock(), &[("PUSH_PREVIEW", "sender"), ("APP_NAME", "우리 채팅")]).await;
    for text in told(&scene, &message("비밀")).await {
        assert_eq!(text, ("홍길동".to_owned(), "새 메시지".to_owned()));
    }
    for text in told(&scene, &Notification { preview: Preview::None, ..message("비밀") }).await {
        assert_eq!(text, ("우리 채팅".to_owned(), "새 메시지가 있습니다".to_owned()));
    }
}

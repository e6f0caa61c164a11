//! Which devices a person has, and whose they are.

use crate::notifying::{A_WHILE, is_silent, phone, register, shown};
use e2e::{Person, journey};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// The ids of somebody's devices.
async fn listed(person: &Person) -> Vec<String> {
    let devices = person.api.get("/notifications/devices").await.with(200);
    let items = devices["items"].as_array().into_iter().flatten();
    items.filter_map(|device| device["id"].as_str().map(str::to_owned)).collect()
}

/// One of somebody's devices as it is listed, once something is true of it; null if it never is.
async fn device_that(person: &Person, is: impl Fn(&Value) -> bool) -> Value {
    let looking = async {
        loop {
            let devices = person.api.get("/notifications/devices").await.with(200);
            if let Some(device) = devices["items"].as_array().into_iter().flatten().find(|device| is(device)) {
                return device.clone();
            }
            sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(Duration::from_secs(20), looking).await.unwrap_or_default()
}

#[test]
fn device_is_registered_listed_and_removed() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let token = format!("listed-{}", junho.id);
        let device = json!({"platform": "fcm", "token": token, "locale": "en", "app_version": "1.2.3"});

        let installation = register(&junho, &device).await;
        let path = format!("/notifications/devices/{installation}");
        let again = junho.api.put(&path, &device).await;

        let shown = again.with(200);
        assert_eq!((&shown["platform"], &shown["app_version"]), (&json!("fcm"), &json!("1.2.3")));
        assert!(!again.text.contains(&token), "its token is never shown");
        assert_eq!(listed(&junho).await, [installation]);
        assert_eq!(listed(&minji).await, [""; 0]);
        minji.api.delete(&path).await.with(204);
        assert_eq!(listed(&junho).await.len(), 1, "nobody removes another one's");

        for _ in 0..2 {
            junho.api.delete(&path).await.with(204);
        }

        assert_eq!(listed(&junho).await, [""; 0]);
        minji.say(room, "어디야").await;
        assert!(is_silent(stack, &token).await);
    });
}

#[test]
fn test_notification_rings_and_notes_what_became_of_it() {
    journey(async |stack| {
        let junho = stack.register("junho").await;
        let token = format!("tested-{}", junho.id);
        let device = json!({"platform": "fcm", "token": token, "locale": "en"});
        let installation = register(&junho, &device).await;

        junho.api.post("/notifications/test", &json!({"installation": installation})).await.with(202);

        assert_eq!(shown(&stack.pushes(&token, 1).await[0]).1, "This is a test notification");
        let noted = device_that(&junho, |device| !device["last_push_at"].is_null()).await;
        assert_eq!((&noted["id"], &noted["last_error"]), (&json!(installation), &Value::Null));
    });
}

#[test]
fn phone_that_changes_hands_rings_for_its_new_owner_alone() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let suji = stack.register("suji").await;
        let room_of_suji = minji.room_with(&suji).await;
        let token = phone(&junho).await;

        register(&suji, &json!({"platform": "fcm", "token": token})).await;

        assert_eq!((listed(&junho).await.len(), listed(&suji).await.len()), (0, 1));
        minji.say(room, "준호에게").await;
        minji.say(room_of_suji, "수지에게").await;
        assert_eq!(shown(&stack.pushes(&token, 1).await[0]).1, "수지에게");
        sleep(A_WHILE).await;
        assert_eq!(stack.pushes(&token, 1).await.len(), 1);
    });
}

#[test]
fn login_that_ends_takes_its_devices_along() {
    journey(async |stack| {
        let junho = stack.register("junho").await;
        let (second, third) = (junho.login().await, junho.login().await);
        for person in [&junho, &second, &third] {
            phone(person).await;
        }
        assert_eq!(listed(&junho).await.len(), 3);

        second.logout().await;
        assert_eq!(listed(&junho).await.len(), 2);
        junho.api.delete(&format!("/auth/sessions/{}", third.session())).await.with(204);

        assert_eq!(listed(&junho).await.len(), 1);
    });
}

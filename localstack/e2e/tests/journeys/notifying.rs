//! Devices are told of what their people have not seen.

use e2e::{Person, TestStack, journey, room_name};
use providers::{Fault, Record, Refuse};
use serde_json::{Value, json};
use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};
use tokio::time::sleep;

/// Long enough for a notification that is on its way.
pub(crate) const A_WHILE: Duration = Duration::from_secs(3);

/// Registers a phone of somebody's and returns its token.
pub(crate) async fn phone(person: &Person) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let token = format!("phone-{}-{}", person.id, NEXT.fetch_add(1, Ordering::Relaxed));
    register(person, &json!({"platform": "fcm", "token": token})).await;
    token
}

/// Registers a device of somebody's as a new installation, whose id it returns.
pub(crate) async fn register(person: &Person, device: &Value) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let installation = format!("{number:08x}-0000-4000-8000-{:012x}", person.id);
    person.api.put(&format!("/notifications/devices/{installation}"), device).await.with(201);
    installation
}

/// What was asked to be shown.
pub(crate) fn shown(record: &Record) -> (&Value, &Value) {
    let notification = &record.body["message"]["notification"];
    (&notification["title"], &notification["body"])
}

/// Nothing was taken for a device.
pub(crate) async fn is_silent(stack: &TestStack, token: &str) -> bool {
    sleep(A_WHILE).await;
    !stack.providers().records(0).iter().any(|record| record.target == token && record.is_taken())
}

#[test]
fn message_reaches_every_device_of_an_inactive_user_once() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let (token, browser) = (phone(&junho).await, stack.providers().browser().unwrap());
        let own = phone(&minji).await;
        register(&junho, &json!({"platform": "webpush", "subscription": &browser})).await;

        let sent = minji.say(room, "내일 봐요").await;

        let told = stack.pushes(&token, 1).await;
        assert_eq!(shown(&told[0]).1, "내일 봐요");
        let data = &told[0].body["message"]["data"];
        assert_eq!((&data["room"], &data["id"]), (&json!(room_name(room)), &sent["id"]));
        assert_eq!(stack.pushes(&browser.id, 1).await.len(), 1);
        assert!(is_silent(stack, &own).await, "the author has it");
        assert_eq!(stack.pushes(&token, 1).await.len(), 1);
    });
}

#[test]
fn active_user_is_notified_after_going_inactive() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let (token, socket) = (phone(&junho).await, junho.socket().await);

        minji.say(room, "보고 있어?").await;
        assert!(is_silent(stack, &token).await);
        socket.ask("state", json!({"active": false, "room": null})).await;

        assert_eq!(shown(&stack.pushes(&token, 1).await[0]).1, "보고 있어?");
    });
}

#[test]
fn message_read_elsewhere_is_cleared_from_the_phone() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let token = phone(&junho).await;
        let sent = minji.say(room, "읽어 줘").await;
        stack.pushes(&token, 1).await;

        // Perhaps before it is noted that the phone was told.
        let read = json!({"room_id": room, "room_type": "private", "seq": sent["seq"]});
        junho.api.post("/messages/read", &read).await.with(200);

        let told = stack.pushes(&token, 2).await;
        let data = &told[1].body["message"]["data"];
        assert_eq!((&data["kind"], &data["room"]), (&json!("clear"), &json!(room_name(room))));
    });
}

#[test]
fn phone_of_a_login_that_ended_rings_no_more() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let second = junho.login().await;
        let (first, other) = (phone(&junho).await, phone(&second).await);

        junho.logout().await;
        minji.say(room, "어디야").await;

        stack.pushes(&other, 1).await;
        assert!(is_silent(stack, &first).await);
    });
}

#[test]
fn service_that_is_busy_gets_the_notification_later() {
    journey(async |stack| {
        let (minji, junho, room) = stack.pair().await;
        let token = phone(&junho).await;
        stack.providers().fail(&token, 1, Fault::Refuse(Refuse::with(503)));

        minji.say(room, "나중에").await;

        assert_eq!(shown(&stack.pushes(&token, 1).await[0]).1, "나중에");
    });
}

#[test]
fn friend_request_reaches_the_phone_of_whoever_is_asked() {
    journey(async |stack| {
        let (minji, junho) = tokio::join!(stack.register("minji"), stack.register("junho"));
        let (token, own) = (phone(&junho).await, phone(&minji).await);

        minji.befriend(&junho).await;

        let told = stack.pushes(&token, 1).await;
        let name = minji.account["username"].as_str().unwrap();
        let (title, body) = shown(&told[0]);
        assert!(format!("{title}{body}").contains(name), "{told:?}");
        assert!(is_silent(stack, &own).await, "who asks knows");
    });
}

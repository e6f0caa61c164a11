//! Nobody is told who does not want to be, or may not know.

use crate::scene::{ANNA, BORA, EVE, GROUP, NONE, ROOM, Scene, check, device, now, person, shown};
use domain::{
    Access, Member, Mentions, Person, Role,
    notification::{Address, Days, Level, NotificationSettings, QuietHours, RoomSettings, TimeOfDay},
};
use std::time::Duration;

/// Anna writes to Bora, who has a phone; whether it rings.
async fn rings(scene: &Scene) -> bool {
    let before = scene.sent().len();
    let message = scene.say(ANNA, "hi").await;
    assert_eq!(scene.work(&[message]).await, NONE);
    scene.pass(60).await;
    scene.sent().len() > before
}

async fn bora_with_a_phone() -> Scene {
    let scene = Scene::new().await;
    scene.phone(BORA, "phone").await;
    scene
}

#[tokio::test]
async fn deleted_message_rings_nowhere() {
    let scene = bora_with_a_phone().await;
    let message = scene.say(ANNA, "regretted").await;
    scene.delete(message.id.unwrap()).await;

    scene.work(&[message, check()]).await;

    assert_eq!(scene.told(), [""; 0]);
}

#[tokio::test]
async fn nothing_rings_while_a_person_pauses() {
    let scene = bora_with_a_phone().await;
    let paused_until = Some(now().plus(Duration::from_secs(30)));
    scene.set(BORA, NotificationSettings { paused_until, ..NotificationSettings::default() }).await;

    assert!(!rings(&scene).await);
    assert!(rings(&scene).await, "it is over");
}

#[tokio::test]
async fn only_devices_outside_of_quiet_hours_ring() {
    let scene = Scene::new().await;
    let [from, to] = ["22:00", "23:00"].map(|text| TimeOfDay::parse(text).unwrap());
    let quiet = QuietHours::new(from, to, Days::parse(&[1, 2, 3, 4, 5, 6, 7]).unwrap(), None).unwrap();
    scene.set(BORA, NotificationSettings { quiet: Some(quiet), ..NotificationSettings::default() }).await;
    for (name, zone) in [("seoul", "Asia/Seoul"), ("berlin", "Europe/Berlin")] {
        let mut phone = device(BORA, Address::Fcm(name.to_owned()));
        phone.time_zone = Some(domain::notification::TimeZone::parse(zone).unwrap());
        scene.register(&phone).await;
    }

    assert!(rings(&scene).await);

    assert_eq!(scene.told(), ["berlin"]);
}

#[tokio::test]
async fn muted_room_rings_nowhere_and_another_one_does() {
    let scene = bora_with_a_phone().await;
    let muted_until = Some(now().plus(Duration::from_hours(1)));
    scene.set_in(ROOM, BORA, RoomSettings { muted_until, ..RoomSettings::default() }).await;
    scene.open(GROUP, 1, &[ANNA, BORA]).await;

    assert!(!rings(&scene).await);
    let elsewhere = scene.say_in(GROUP, ANNA, "hi", Mentions::default()).await;
    scene.work(&[elsewhere]).await;

    let [record] = &scene.sent()[..] else { panic!("one notification") };
    assert_eq!(shown(record), ("등산", "anna: hi"));
}

#[tokio::test]
async fn mention_rings_where_only_mentions_do_though_later_messages_do_not() {
    let scene = bora_with_a_phone().await;
    scene.open(GROUP, 1, &[ANNA, BORA, EVE]).await;
    scene.set(BORA, NotificationSettings { level: Level::Mentions, ..NotificationSettings::default() }).await;
    scene.connect(BORA, 20).await;
    let mention = scene.say_in(GROUP, ANNA, "@bora", Mentions { people: vec![BORA], all: None }).await;
    let chatter = scene.say_in(GROUP, ANNA, "chatter", Mentions::default()).await;

    scene.work(&[chatter, mention]).await;
    assert_eq!(scene.told(), [""; 0], "she is there");
    let (look, delay) = scene.queued().pop().unwrap();
    scene.run(look, delay, 60).await;

    let [record] = &scene.sent()[..] else { panic!("one notification") };
    assert_eq!(shown(record), ("등산", "anna: @bora"));
}

#[tokio::test]
async fn former_members_and_blockers_of_the_author_are_not_notified() {
    let scene = Scene::new().await;
    scene.open(GROUP, 1, &[ANNA, BORA, EVE]).await;
    for (user, name) in [(ANNA, "a"), (BORA, "b"), (EVE, "e")] {
        scene.phone(user, name).await;
    }
    let message = scene.say_in(GROUP, ANNA, "hi", Mentions::default()).await;
    scene.open(GROUP, 2, &[ANNA, EVE]).await;
    scene.know(Person { version: 2, blocked: vec![ANNA], ..person(EVE, "eve") }).await;

    scene.work(&[message]).await;

    assert_eq!(scene.told(), [""; 0]);
}

#[tokio::test]
async fn closed_account_hears_nothing() {
    let scene = bora_with_a_phone().await;
    scene.know(Person { version: 2, is_active: false, ..person(BORA, "bora") }).await;

    assert!(!rings(&scene).await);
}

#[tokio::test]
async fn room_that_is_gone_rings_nowhere() {
    let scene = bora_with_a_phone().await;
    let message = scene.say(ANNA, "hi").await;
    let members = vec![Member { user: ANNA, role: Role::Member }];
    let access = Access { room: ROOM, version: 2, members, blocked: false };
    scene.mongo().rooms().project(&access, now()).await.unwrap();

    scene.work(&[message]).await;

    assert_eq!(scene.told(), [""; 0]);
}

#[tokio::test]
async fn logged_out_and_transferred_phones_are_not_notified() {
    let scene = Scene::new().await;
    let mine = scene.phone(BORA, "shared").await;
    let left = scene.phone(BORA, "left").await;
    let message = scene.say(ANNA, "hi").await;
    scene.register(&domain::notification::Device { user: EVE, ..mine.clone() }).await;
    scene.mongo().devices().remove_of_sessions(BORA, &[left.session]).await.unwrap();

    scene.work(&[message]).await;

    assert_eq!(scene.told(), [""; 0]);
}

#[tokio::test]
async fn old_unread_messages_do_not_ring_when_a_room_is_looked_at() {
    let scene = bora_with_a_phone().await;
    scene.say(ANNA, "old").await;
    scene.pass(901).await;

    scene.work(&[check()]).await;

    assert_eq!(scene.told(), [""; 0]);
}

#[tokio::test]
async fn device_that_waited_for_its_turn_and_was_logged_out_is_not_notified() {
    let scene = Scene::new().await;
    let iphone = scene.iphone(BORA).await;
    let message = scene.say(ANNA, "hi").await;

    let logout = async {
        scene.mongo().devices().remove_of_sessions(BORA, std::slice::from_ref(&iphone.session)).await.unwrap();
    };
    // Its badge is counted after the devices were read.
    scene.work_while(&message, "unread", 10, logout).await;

    assert_eq!((scene.sent().len(), scene.queued()), (0, Vec::new()));
}

#[tokio::test]
async fn device_that_waited_while_its_person_left_or_blocked_is_not_notified() {
    for leaves in [true, false] {
        let scene = Scene::new().await;
        scene.iphone(BORA).await;
        let message = scene.say(ANNA, "hi").await;

        let meanwhile = async {
            if leaves {
                scene.open(ROOM, 2, &[ANNA]).await;
            } else {
                scene.know(Person { version: 2, blocked: vec![ANNA], ..person(BORA, "bora") }).await;
            }
        };
        scene.work_while(&message, "unread", 10, meanwhile).await;

        assert_eq!((scene.sent().len(), scene.queued()), (0, Vec::new()), "leaves: {leaves}");
    }
}

#[tokio::test]
async fn device_that_waited_for_its_turn_is_notified_by_its_new_token() {
    let scene = Scene::new().await;
    let mut iphone = scene.iphone(BORA).await;
    let message = scene.say(ANNA, "hi").await;
    iphone.address = Address::Fcm("new".to_owned());

    scene.work_while(&message, "unread", 10, scene.register(&iphone)).await;

    assert_eq!(scene.told(), ["new"]);
}

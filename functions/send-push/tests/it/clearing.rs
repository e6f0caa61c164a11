//! Devices take back what was read or deleted elsewhere.

use crate::scene::{ANNA, BORA, GROUP, NONE, ROOM, Scene, job, now};
use domain::{Mentions, Seq, UserId};
use queue::{PushJob, PushKind};

/// Bora has a phone, an iPhone and a browser that show a message of Anna's.
async fn shown() -> (Scene, PushJob) {
    let scene = Scene::new().await;
    scene.phone(BORA, "phone").await;
    scene.iphone(BORA).await;
    scene.browser(BORA).await;
    let message = scene.say(ANNA, "hi").await;
    scene.work(std::slice::from_ref(&message)).await;
    assert_eq!(scene.sent().len(), 3);
    (scene, message)
}

fn read_job(seq: i64) -> PushJob {
    PushJob { from: Some(BORA), to: Some(BORA), ..job(PushKind::Clear, ROOM, None, Some(Seq(seq))) }
}

#[tokio::test]
async fn reading_on_the_desktop_clears_the_phones() {
    let (scene, _) = shown().await;
    scene.read(ROOM, BORA, Seq(1)).await;

    assert_eq!(scene.work(&[read_job(1)]).await, NONE);

    let cleared = scene.sent().split_off(3);
    let of = |provider: &str| cleared.iter().find(|record| record.provider == provider);
    let data = &of("fcm").unwrap().body["message"]["data"];
    assert_eq!((&data["kind"], &data["room"], &data["read_seq"]), (&"clear".into(), &"private:1".into(), &"1".into()));
    assert_eq!(of("apns").unwrap().body["aps"]["badge"], 0);
    assert!(of("webpush").is_none(), "a browser would show something");
}

#[tokio::test]
async fn iphone_gets_a_badge_once_a_minute_and_the_last_one_at_the_end() {
    let (scene, _) = shown().await;
    scene.read(ROOM, BORA, Seq(1)).await;

    for _ in 0..3 {
        scene.work(&[read_job(1)]).await;
    }

    let numbers = || scene.sent().into_iter().skip(3).filter(|record| record.provider == "apns").count();
    assert_eq!(numbers(), 1);
    let [(later, 60)] = &scene.queued()[..] else { panic!("one job in a minute") };
    scene.pass(60).await;
    scene.work(std::slice::from_ref(later)).await;
    assert_eq!(numbers(), 2);
}

#[tokio::test]
async fn deletion_clears_the_phones_of_members_who_have_not_read() {
    for (is_read, expected) in [(false, 2), (true, 0)] {
        let (scene, message) = shown().await;
        if is_read {
            scene.read(ROOM, BORA, Seq(1)).await;
        }
        scene.delete(message.id.unwrap()).await;

        scene.work(&[job(PushKind::Clear, ROOM, message.id, message.seq)]).await;

        assert_eq!(scene.sent().len() - 3, expected, "{is_read}");
    }
}

#[tokio::test]
async fn nothing_is_cleared_without_an_earlier_notification() {
    let scene = Scene::new().await;
    scene.phone(BORA, "phone").await;
    let message = scene.say(ANNA, "hi").await;

    scene.work(&[job(PushKind::Clear, ROOM, message.id, message.seq), read_job(1)]).await;

    assert_eq!(scene.sent().len(), 0);
}

#[tokio::test]
async fn badge_is_the_current_unread_count() {
    let scene = Scene::new().await;
    let iphone = scene.iphone(BORA).await;
    for text in ["one", "two"] {
        scene.say(ANNA, text).await;
    }
    let message = scene.say(ANNA, "three").await;
    scene.read(ROOM, BORA, Seq(1)).await;

    scene.work(&[message]).await;

    let [record] = &scene.sent()[..] else { panic!("one notification") };
    assert_eq!((record.target.as_str(), &record.body["aps"]["badge"]), (iphone.address.token(), &2.into()));
}

#[tokio::test]
async fn badge_is_updated_even_if_many_others_have_read() {
    let scene = Scene::new().await;
    let crowd: Vec<_> = (100..160).map(UserId).collect();
    scene.open(GROUP, 1, &[&[ANNA, BORA][..], &crowd].concat()).await;
    scene.iphone(BORA).await;
    let message = scene.say_in(GROUP, ANNA, "hi", Mentions::default()).await;
    scene.work(std::slice::from_ref(&message)).await;
    for user in crowd {
        scene.read(GROUP, user, Seq(1)).await;
    }
    scene.delete(message.id.unwrap()).await;

    assert_eq!(scene.work(&[job(PushKind::Clear, GROUP, message.id, message.seq)]).await, NONE);

    let [_, cleared] = &scene.sent()[..] else { panic!("the message, and that it is gone") };
    assert_eq!(cleared.body["aps"]["badge"], 0);
}

#[tokio::test]
async fn waiting_badge_is_sent_though_the_deleted_message_was_read() {
    let (scene, message) = shown().await;
    scene.delete(message.id.unwrap()).await;
    for _ in 0..2 {
        scene.work(&[job(PushKind::Clear, ROOM, message.id, message.seq)]).await;
    }
    let (later, _) = scene.queued().pop().unwrap();
    scene.read(ROOM, BORA, Seq(1)).await;
    scene.work(&[read_job(1)]).await;
    let numbers = || scene.sent().into_iter().skip(3).filter(|record| record.provider == "apns").count();
    assert_eq!(numbers(), 1, "the other one is in a minute");

    scene.pass(60).await;
    scene.work(&[later]).await;

    assert_eq!(numbers(), 2);
}

#[tokio::test]
async fn message_read_or_deleted_while_a_slow_service_was_told_is_cleared() {
    for is_deleted in [false, true] {
        let scene = Scene::new().await;
        scene.phone(BORA, "phone").await;
        let message = scene.say(ANNA, "hi").await;

        let meanwhile = async {
            if is_deleted {
                scene.delete(message.id.unwrap()).await;
            } else {
                scene.read(ROOM, BORA, Seq(1)).await;
            }
        };
        scene.work_while(&message, "last_push_at", 5, meanwhile).await;

        let [(clear, 5)] = &scene.queued()[..] else { panic!("one job in 5 s") };
        scene.pass(5).await;
        scene.work(std::slice::from_ref(clear)).await;
        let [_, cleared] = &scene.sent()[..] else { panic!("the message, and that it is gone") };
        assert_eq!(cleared.body["message"]["data"]["kind"], "clear", "{is_deleted}");
    }
}

#[tokio::test]
async fn message_that_a_fast_service_was_told_queues_no_clear() {
    let scene = Scene::new().await;
    scene.phone(BORA, "phone").await;
    let message = scene.say(ANNA, "hi").await;

    scene.work_while(&message, "last_push_at", 4, scene.read(ROOM, BORA, Seq(1))).await;

    assert_eq!(scene.queued(), [], "whoever reads it queues one");
}

#[tokio::test]
async fn deletion_clears_phones_that_a_dead_job_may_have_told() {
    let scene = Scene::new().await;
    scene.phone(BORA, "phone").await;
    let message = scene.say(ANNA, "hi").await;
    scene.mongo().read_states().claim(ROOM, Seq(1), &[BORA], &[BORA], now()).await.unwrap();
    scene.delete(message.id.unwrap()).await;

    scene.work(&[job(PushKind::Clear, ROOM, message.id, message.seq)]).await;

    assert_eq!(scene.told(), ["phone"]);
}

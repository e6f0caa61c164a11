//! What becomes of devices, and of jobs, when a service does not take a notification.

use crate::scene::{ANNA, BORA, NONE, Scene, go_on, now, work};
use domain::notification::{Address, Answers, Device, Platform};
use providers::{Fault, Refuse};
use queue::PushKind;
use send_push::App;
use std::{collections::HashMap, time::Duration};

fn token(device: &Device) -> &str {
    device.address.token()
}

fn refuse(status: u16, reason: &str) -> Fault {
    Fault::Refuse(Refuse { reason: Some(reason.to_owned()), ..Refuse::with(status) })
}

#[tokio::test]
async fn device_that_its_service_does_not_know_goes() {
    let scene = Scene::new().await;
    let (phone, browser) = (scene.phone(BORA, "phone").await, scene.browser(BORA).await);
    scene.services.fail("fcm", 1, refuse(404, "UNREGISTERED"));
    scene.services.fail("webpush", 1, Fault::Refuse(Refuse::with(410)));
    let message = scene.say(ANNA, "hi").await;

    assert_eq!(scene.work(&[message]).await, NONE);

    assert_eq!((scene.find(&phone).await, scene.find(&browser).await), (None, None));
    assert_eq!(scene.queued(), []);
}

#[tokio::test]
async fn iphone_that_registered_after_its_410_stays() {
    for (before, stays) in [(60, true), (0, false)] {
        let scene = Scene::new().await;
        let iphone = scene.iphone(BORA).await;
        let timestamp = Some(now().minus(Duration::from_secs(before)).millis());
        let gone = Refuse { reason: Some("Unregistered".to_owned()), timestamp, ..Refuse::with(410) };
        scene.services.fail(token(&iphone), 1, Fault::Refuse(gone));
        let message = scene.say(ANNA, "hi").await;

        scene.work(&[message]).await;

        assert_eq!(scene.find(&iphone).await.is_some(), stays, "{before}");
    }
}

#[tokio::test]
async fn busy_service_is_asked_again_for_that_device_alone() {
    let scene = Scene::new().await;
    scene.phone(BORA, "phone").await;
    let busy = scene.phone(BORA, "busy").await;
    let pause = Refuse { retry_after: Some(120), ..Refuse::with(429) };
    scene.services.fail("busy", 1, Fault::Refuse(pause));
    let message = scene.say(ANNA, "hi").await;

    assert_eq!(scene.work(&[message]).await, NONE);

    assert_eq!(scene.told(), ["phone"]);
    scene.is_noted(&busy, false).await;
    let [(retry, 120)] = &scene.queued()[..] else { panic!("one job in two minutes") };
    assert_eq!((retry.kind, retry.devices.len(), retry.tries), (PushKind::Retry, 1, 1));
    scene.pass(120).await;
    scene.work(&[retry.clone(), retry.clone()]).await;
    assert_eq!(scene.told(), ["busy", "phone"]);
    scene.is_noted(&busy, true).await;
}

#[tokio::test]
async fn service_that_is_away_for_ten_minutes_gets_everything_once() {
    let scene = Scene::new().await;
    for user in [BORA] {
        scene.phone(user, "one").await;
        scene.phone(user, "two").await;
    }
    // Ten, sixty and three hundred seconds after each other, and some more.
    scene.services.fail("one", 3, Fault::Refuse(Refuse::with(503)));
    scene.services.fail("two", 3, Fault::Refuse(Refuse::with(500)));
    let message = scene.say(ANNA, "hi").await;

    scene.run(message, 0, 3_600).await;

    assert_eq!(scene.told(), ["one", "two"]);
}

#[tokio::test]
async fn retry_of_a_message_read_meanwhile_notifies_nobody() {
    let scene = Scene::new().await;
    scene.phone(BORA, "phone").await;
    scene.services.fail("phone", 1, Fault::Refuse(Refuse::with(503)));
    let message = scene.say(ANNA, "hi").await;
    scene.work(std::slice::from_ref(&message)).await;
    scene.read(message.room.unwrap(), BORA, message.seq.unwrap()).await;

    let (retry, delay) = scene.queued().pop().unwrap();
    scene.run(retry, delay, 3_600).await;

    assert_eq!(scene.told(), [""; 0]);
}

#[tokio::test]
async fn bad_credentials_remove_no_device_and_end_in_the_dead_letter_queue() {
    let scene = Scene::new().await;
    let (phone, iphone) = (scene.phone(BORA, "phone").await, scene.iphone(BORA).await);
    scene.services.fail(token(&iphone), 10, refuse(400, "BadTopic"));
    let message = scene.say(ANNA, "hi").await;

    assert_eq!(scene.work(&[message]).await, NONE);
    let (retry, _) = scene.queued().pop().unwrap();
    scene.pass(60).await;
    assert_eq!(scene.work(std::slice::from_ref(&retry)).await, [0]);
    scene.pass(360).await;
    assert_eq!(scene.work(&[retry]).await, [0]);

    assert_eq!(scene.told(), ["phone"]);
    scene.is_noted(&phone, true).await;
    scene.is_noted(&iphone, false).await;
}

#[tokio::test]
async fn redelivered_job_notifies_after_service_and_queue_failed() {
    let scene = Scene::new().await;
    let phone = scene.phone(BORA, "phone").await;
    assert!(matches!(phone.address, Address::Fcm(_)));
    scene.services.fail("phone", 1, Fault::Refuse(Refuse::with(503)));
    scene.queue.go_away();
    let message = scene.say(ANNA, "hi").await;
    assert_eq!(scene.work(std::slice::from_ref(&message)).await, [0]);
    scene.queue.come_back();

    scene.pass(360).await;
    assert_eq!(scene.work(&[message]).await, NONE);

    assert_eq!(scene.told(), ["phone"]);
}

#[tokio::test]
async fn browser_that_is_refused_ends_no_job_and_stays() {
    let scene = Scene::new().await;
    let (phone, browser) = (scene.phone(BORA, "phone").await, scene.browser(BORA).await);
    scene.services.fail("webpush", 1, Fault::Refuse(Refuse::with(403)));
    let message = scene.say(ANNA, "hi").await;

    assert_eq!(scene.work(&[message]).await, NONE);

    scene.is_noted(&phone, true).await;
    scene.is_noted(&browser, false).await;
    assert_eq!(scene.queued(), []);
}

#[tokio::test]
async fn retry_of_two_devices_leaves_the_refused_one_to_a_job_of_its_own() {
    let scene = Scene::new().await;
    for name in ["one", "two"] {
        scene.phone(BORA, name).await;
    }
    let pause = Refuse { retry_after: Some(60), ..Refuse::with(503) };
    for name in ["one", "two"] {
        scene.services.fail(name, 1, Fault::Refuse(pause.clone()));
    }
    scene.services.fail("two", 10, refuse(403, "THIRD_PARTY_AUTH_ERROR"));
    let message = scene.say(ANNA, "hi").await;
    scene.work(&[message]).await;
    let [(both, 60)] = &scene.queued()[..] else { panic!("one job for both") };
    assert_eq!(both.devices.len(), 2);

    scene.pass(60).await;
    assert_eq!(scene.work(std::slice::from_ref(both)).await, NONE);
    let (alone, _) = scene.queued().pop().unwrap();
    assert_eq!((alone.devices.len(), alone.tries), (1, 2));
    scene.pass(60).await;
    assert_eq!(scene.work(&[alone]).await, [0]);

    assert_eq!(scene.told(), ["one"]);
}

#[tokio::test]
async fn retry_of_a_message_is_left_out_after_a_newer_one() {
    let scene = Scene::new().await;
    scene.phone(BORA, "phone").await;
    scene.services.fail("phone", 1, Fault::Refuse(Refuse::with(503)));
    let first = scene.say(ANNA, "one").await;
    scene.work(&[first]).await;
    let (retry, _) = scene.queued().pop().unwrap();
    scene.pass(60).await;
    let second = scene.say(ANNA, "two").await;
    scene.work(&[second]).await;
    assert_eq!(scene.told(), ["phone"]);

    scene.pass(60).await;
    assert_eq!(scene.work(&[retry]).await, NONE);

    assert_eq!(scene.told(), ["phone"]);
}

#[tokio::test]
async fn devices_stay_if_a_service_rejects_too_many() {
    let scene = Scene::new().await;
    let mut phones = Vec::new();
    for number in 0..20 {
        let name = format!("phone{number}");
        scene.services.fail(&name, 1, refuse(404, "UNREGISTERED"));
        phones.push(scene.phone(BORA, &name).await);
    }
    let message = scene.say(ANNA, "hi").await;

    assert_eq!(scene.work(&[message]).await, NONE);

    for phone in &phones {
        scene.is_noted(phone, false).await;
    }
}

/// An environment tells devices of its own, of which their service knows some no more; answers how many are left.
async fn left_after(scene: &Scene, app: &App, names: impl Iterator<Item = String>, unknown: usize) -> usize {
    let mut phones = Vec::new();
    for (number, name) in names.enumerate() {
        if number < unknown {
            scene.services.fail(&name, 1, refuse(404, "UNREGISTERED"));
        }
        phones.push(scene.phone(BORA, &name).await);
    }
    go_on(10);
    let message = scene.say(ANNA, "hi").await;
    assert_eq!(work(app, &[message]).await.unwrap(), NONE);
    let mut left = 0;
    for phone in &phones {
        left += usize::from(scene.find(phone).await.is_some());
        scene.mongo().devices().remove(BORA, &phone.installation).await.unwrap();
    }
    left
}

#[tokio::test]
async fn environments_hear_together_that_a_service_knows_too_few() {
    let scene = Scene::new().await;
    let names = |of: &'static str| (0..12).map(move |number| format!("{of}{number}"));

    let first = left_after(&scene, &scene.environment().await, names("a"), 12).await;
    let second = left_after(&scene, &scene.environment().await, names("b"), 12).await;

    assert_eq!((first, second), (0, 12), "12 of 12 are believed, and of 24 none");
}

#[tokio::test]
async fn environments_with_few_unknown_devices_among_all_forget_them() {
    let scene = Scene::new().await;
    let names = |of: &'static str, number| (0..number).map(move |number| format!("{of}{number}"));

    let first = left_after(&scene, &scene.environment().await, names("a", 20), 0).await;
    let second = left_after(&scene, &scene.environment().await, names("b", 5), 5).await;
    let third = left_after(&scene, &scene.environment().await, names("c", 5), 5).await;

    assert_eq!((first, second, third), (20, 0, 5), "5 of 25 are a fifth, and 10 of 30 are more");
}

#[tokio::test]
async fn hour_after_one_with_too_many_unknown_devices_forgets_none() {
    let scene = Scene::new().await;
    let unknown = HashMap::from([(Platform::Fcm, Answers { all: 20, unknown: 20 })]);
    for (hours, left) in [(1, 1), (3, 0)] {
        scene.mongo().push_answers().add(now().minus(Duration::from_hours(hours)), &unknown).await.unwrap();
        let app = scene.environment().await;
        assert_eq!(left_after(&scene, &app, [format!("phone{hours}")].into_iter(), 1).await, left, "{hours}");
        scene.collection("limits").await.delete_many(mongodb::bson::doc! {}).await.unwrap();
    }
}

//! Friend requests, and the notification that a person asks for.

use crate::scene::{ANNA, BORA, EVE, NONE, Scene, job, person, shown};
use domain::{Person, notification::NotificationSettings};
use providers::{Fault, Refuse};
use queue::{Device, PushJob, PushKind};

fn request() -> PushJob {
    let template = job(PushKind::Friend, crate::scene::ROOM, None, None);
    PushJob { room: None, from: Some(EVE), to: Some(BORA), ..template }
}

#[tokio::test]
async fn friend_request_is_told_once() {
    let scene = Scene::new().await;
    scene.phone(BORA, "phone").await;

    for _ in 0..3 {
        assert_eq!(scene.work(&[request()]).await, NONE);
    }

    let [record] = &scene.sent()[..] else { panic!("one notification") };
    assert!(shown(record).0.contains("eve") || shown(record).1.contains("eve"), "{record:?}");
}

#[tokio::test]
async fn friend_request_that_is_over_or_unwanted_is_not_told() {
    let without = NotificationSettings { friend_requests: false, ..NotificationSettings::default() };
    let scene = Scene::new().await;
    scene.phone(BORA, "phone").await;
    scene.set(BORA, without).await;
    scene.work(&[request()]).await;
    scene.set(BORA, NotificationSettings::default()).await;
    scene.know(Person { version: 2, friends: vec![EVE], ..person(BORA, "bora") }).await;
    scene.work(&[request()]).await;
    scene.know(Person { version: 3, blocked: vec![EVE], ..person(BORA, "bora") }).await;
    scene.work(&[request()]).await;
    scene.know(Person { version: 4, ..person(BORA, "bora") }).await;
    scene.connect(BORA, 150).await;
    scene.work(&[request()]).await;

    assert_eq!(scene.sent().len(), 0);
}

#[tokio::test]
async fn friend_request_is_told_later_where_the_service_is_away() {
    let scene = Scene::new().await;
    scene.phone(BORA, "phone").await;
    scene.services.fail("phone", 2, Fault::Refuse(Refuse::with(503)));

    scene.run(request(), 0, 600).await;

    assert_eq!(scene.told(), ["phone"]);
}

#[tokio::test]
async fn friend_request_is_not_told_to_who_blocked_while_their_device_waited() {
    let scene = Scene::new().await;
    scene.phone(BORA, "phone").await;

    let block = scene.know(Person { version: 2, blocked: vec![EVE], ..person(BORA, "bora") });
    scene.work_while(&request(), "friend:", 10, block).await;

    assert_eq!(scene.sent().len(), 0);
}

#[tokio::test]
async fn trial_tells_one_device_and_notes_its_outcome() {
    let scene = Scene::new().await;
    let (phone, other) = (scene.phone(ANNA, "phone").await, scene.phone(ANNA, "other").await);
    let device = Device { user: ANNA, installation: phone.installation.to_string() };
    let trial = PushJob { kind: PushKind::Test, devices: vec![device], ..request() };
    scene.services.fail("phone", 1, Fault::Refuse(Refuse::with(503)));
    scene.work(std::slice::from_ref(&trial)).await;
    scene.is_noted(&phone, false).await;

    scene.work(&[trial]).await;

    assert_eq!(scene.told(), ["phone"]);
    scene.is_noted(&phone, true).await;
    assert_eq!(scene.find(&other).await.unwrap().last_push_at, None);
}

#[tokio::test]
async fn trial_that_is_refused_ends_with_its_outcome_on_the_device() {
    let scene = Scene::new().await;
    let phone = scene.phone(ANNA, "phone").await;
    let device = Device { user: ANNA, installation: phone.installation.to_string() };
    let trial = PushJob { kind: PushKind::Test, devices: vec![device], ..request() };
    let refused = Refuse { reason: Some("THIRD_PARTY_AUTH_ERROR".to_owned()), ..Refuse::with(403) };
    scene.services.fail("phone", 1, Fault::Refuse(refused));

    assert_eq!(scene.work(&[trial]).await, NONE);

    scene.is_noted(&phone, false).await;
    assert_eq!(scene.queued(), []);
}

#[tokio::test]
async fn who_asks_is_not_told_of_their_own_request() {
    let scene = Scene::new().await;
    scene.phone(EVE, "own").await;

    assert_eq!(scene.work(&[PushJob { to: Some(EVE), ..request() }]).await, NONE);

    assert_eq!(scene.sent().len(), 0);
}

#[tokio::test]
async fn requests_of_one_person_ring_once_a_day() {
    let scene = Scene::new().await;
    scene.phone(BORA, "phone").await;
    scene.phone(BORA, "tablet").await;

    for _ in 0..3 {
        assert_eq!(scene.work(&[request()]).await, NONE);
        scene.pass(7 * 3_600).await;
    }
    assert_eq!(scene.told(), ["phone", "tablet"]);
    let other = PushJob { from: Some(ANNA), ..request() };
    scene.work(&[other]).await;
    assert_eq!(scene.told().len(), 4, "another person's");

    scene.pass(3 * 3_600).await;
    scene.work(&[request()]).await;

    assert_eq!(scene.told().len(), 6);
}

#[tokio::test]
async fn friend_request_is_told_by_its_redelivered_job() {
    let scene = Scene::new().await;
    scene.phone(BORA, "phone").await;
    scene.services.fail("phone", 1, Fault::Refuse(Refuse::with(503)));
    scene.queue.go_away();
    let job = request();
    assert_eq!(scene.work(std::slice::from_ref(&job)).await, [0]);
    scene.queue.come_back();

    scene.pass(360).await;
    assert_eq!(scene.work(&[job]).await, NONE);

    assert_eq!(scene.told(), ["phone"]);
}

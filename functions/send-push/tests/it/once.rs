//! Each device is told of a message once.

use crate::scene::{ANNA, BORA, GROUP, NONE, ROOM, Scene, check, job, shown, work};
use domain::{Mentions, Seq, UserId, notification::Address};
use providers::Fault;
use queue::PushKind;
use std::time::Duration;

#[tokio::test]
async fn member_who_is_away_is_told_on_each_device() {
    let scene = Scene::new().await;
    let phones = [scene.phone(BORA, "phone").await, scene.iphone(BORA).await, scene.browser(BORA).await];
    scene.phone(ANNA, "author").await;
    let message = scene.say(ANNA, "내일 봐요").await;

    assert_eq!(scene.work(&[message]).await, NONE);

    let sent = scene.sent();
    assert_eq!(sent.len(), phones.len(), "{sent:?}");
    assert!(sent.iter().all(|record| record.status.is_some_and(|status| status < 300)), "{sent:?}");
    let fcm = sent.iter().find(|record| record.provider == "fcm").unwrap();
    assert_eq!((fcm.target.as_str(), shown(fcm)), ("phone", ("anna", "내일 봐요")));
    for phone in phones {
        scene.is_noted(&phone, true).await;
    }
}

#[tokio::test]
async fn job_that_comes_again_tells_nobody() {
    let scene = Scene::new().await;
    scene.phone(BORA, "phone").await;
    let message = scene.say(ANNA, "hi").await;

    scene.work(&[message.clone(), message.clone(), message.clone()]).await;
    scene.pass(400).await;
    scene.work(&[message, check()]).await;

    assert_eq!(scene.told(), ["phone"]);
}

#[tokio::test]
async fn one_of_twenty_concurrent_environments_notifies_a_member() {
    let scene = Scene::new().await;
    scene.phone(BORA, "phone").await;
    let message = scene.say(ANNA, "hi").await;
    let mut apps = Vec::new();
    for _ in 0..20 {
        apps.push(scene.environment().await);
    }

    let works = apps.iter().map(|app| work(app, std::slice::from_ref(&message)));
    for failed in futures_util::future::join_all(works).await {
        assert_eq!(failed.unwrap(), NONE);
    }

    assert_eq!(scene.told(), ["phone"]);
}

#[tokio::test]
async fn crash_after_sending_repeats_the_same_notification() {
    let scene = Scene::new().await;
    let iphone = scene.iphone(BORA).await;
    let Address::Apns(token, _) = iphone.address else { unreachable!("an iPhone") };
    let message = scene.say(ANNA, "hi").await;
    scene.services.fail(&token, 1, Fault::Silence);
    let dying = scene.environment().await;
    tokio::time::timeout(Duration::from_secs(2), work(&dying, std::slice::from_ref(&message))).await.unwrap_err();
    assert_eq!(scene.sent().len(), 1);

    scene.pass(60).await;
    scene.work(std::slice::from_ref(&message)).await;
    assert_eq!(scene.sent().len(), 1, "it may still be alive");
    scene.pass(300).await;
    scene.work(std::slice::from_ref(&message)).await;
    scene.work(&[message]).await;

    let sent = scene.sent();
    assert_eq!(sent.len(), 2, "{sent:?}");
    assert_eq!(sent[0].headers["apns-collapse-id"], sent[1].headers["apns-collapse-id"]);
}

#[tokio::test]
async fn burst_of_messages_is_one_notification() {
    let scene = Scene::new().await;
    scene.phone(BORA, "phone").await;
    let mut batch = Vec::new();
    for text in ["one", "two", "three"] {
        batch.push(scene.say(ANNA, text).await);
    }

    scene.work(&batch).await;
    let late = scene.say(ANNA, "four").await;
    scene.work(&[late]).await;

    let sent = scene.sent();
    assert_eq!(sent.iter().map(|record| shown(record).1).collect::<Vec<_>>(), ["three"]);
    let [(again, 5)] = &scene.queued()[..] else { panic!("one look in 5 s") };
    assert_eq!((again.kind, again.room), (PushKind::Check, Some(ROOM)));
    scene.pass(5).await;
    scene.work(std::slice::from_ref(again)).await;
    assert_eq!(shown(&scene.sent()[1]).1, "four");
}

#[tokio::test]
async fn two_messages_to_an_active_user_queue_one_check() {
    let scene = Scene::new().await;
    scene.phone(BORA, "phone").await;
    scene.connect(BORA, 150).await;
    let first = scene.say(ANNA, "one").await;
    let second = scene.say(ANNA, "two").await;

    scene.work(&[first]).await;
    scene.work(&[second]).await;

    let queued: Vec<_> = scene.queued().into_iter().map(|(job, delay)| (job.kind, delay)).collect();
    assert_eq!(queued, [(PushKind::Check, 30)]);
    assert_eq!(scene.sent().len(), 0);
}

#[tokio::test]
async fn redelivered_job_makes_the_check_that_could_not_be_queued() {
    let scene = Scene::new().await;
    scene.phone(BORA, "phone").await;
    scene.connect(BORA, 150).await;
    let message = scene.say(ANNA, "one").await;
    scene.queue.go_away();
    assert_eq!(scene.work(std::slice::from_ref(&message)).await, [0]);

    scene.queue.come_back();
    assert_eq!(scene.work(&[message]).await, NONE);

    assert_eq!(scene.queued().len(), 1);
}

#[tokio::test]
async fn message_that_was_read_within_half_a_minute_rings_nowhere() {
    let scene = Scene::new().await;
    scene.phone(BORA, "phone").await;
    scene.connect(BORA, 20).await;
    let message = scene.say(ANNA, "hi").await;
    scene.read(ROOM, BORA, Seq(1)).await;

    scene.run(message, 0, 1_200).await;

    assert_eq!(scene.told(), [""; 0]);
}

#[tokio::test]
async fn user_who_goes_inactive_is_notified_within_210_seconds() {
    let scene = Scene::new().await;
    scene.phone(BORA, "phone").await;
    scene.connect(BORA, 150).await;
    scene.say(ANNA, "hi").await;

    scene.run(check(), 30, 210).await;

    assert_eq!(scene.told(), ["phone"]);
}

#[tokio::test]
async fn user_active_for_twenty_minutes_is_not_notified() {
    let scene = Scene::new().await;
    scene.phone(BORA, "phone").await;
    scene.connect(BORA, 1_200).await;
    let message = scene.say(ANNA, "hi").await;

    scene.run(message, 0, 1_200).await;

    assert_eq!((scene.told(), scene.queued()), (Vec::new(), Vec::new()));
}

#[tokio::test]
async fn large_room_is_looked_at_in_parts() {
    let scene = Scene::new().await;
    let crowd: Vec<_> = (1_000..1_450).map(UserId).collect();
    scene.open(GROUP, 1, &[&[ANNA][..], &crowd].concat()).await;
    for user in [crowd[0], crowd[449]] {
        scene.know(crate::scene::person(user, &format!("p{user}"))).await;
        scene.phone(user, &format!("phone{user}")).await;
    }
    let everybody = Mentions { people: Vec::new(), all: Some(domain::MentionsAll::Channel) };
    let message = scene.say_in(GROUP, ANNA, "hi", everybody).await;

    scene.work(&[message]).await;
    let parts: Vec<_> = scene.queued().into_iter().map(|(job, _)| job).collect();
    assert_eq!(
        parts.iter().map(|job| (job.from, job.to)).collect::<Vec<_>>(),
        [
            (Some(ANNA), Some(UserId(1_198))),
            (Some(UserId(1_199)), Some(UserId(1_398))),
            (Some(UserId(1_399)), Some(UserId(1_449))),
        ]
    );
    scene.work(&parts).await;

    assert_eq!(scene.told(), ["phone1000", "phone1449"]);
}

#[tokio::test]
async fn message_costs_as_many_commands_in_a_large_room() {
    let mut costs = Vec::new();
    for size in [2, 150] {
        let scene = Scene::new().await;
        let crowd: Vec<_> = (100..100 + size).map(UserId).collect();
        scene.open(GROUP, 1, &[&[ANNA][..], &crowd].concat()).await;
        let all =
            domain::notification::RoomSettings { level: Some(domain::notification::Level::All), ..Default::default() };
        for user in crowd {
            scene.know(crate::scene::person(user, &format!("p{user}"))).await;
            scene.phone(user, &format!("phone{user}")).await;
            scene.set_in(GROUP, user, all).await;
        }
        let first = scene.say_in(GROUP, ANNA, "hi", Mentions::default()).await;
        scene.work(&[first]).await;
        scene.pass(10).await;
        let message = scene.say_in(GROUP, ANNA, "hi", Mentions::default()).await;
        let mut profile = testkit::mongo::Profile::of(&scene.database).await;

        scene.work(&[message]).await;

        assert_eq!(scene.told().len(), 2 * usize::try_from(size).unwrap());
        costs.push(profile.count().await);
    }
    // Message, room; devices, connections; states, people, settings; claim, finish, and a note on the devices; for the whole batch
    // the count of what services answered.
    assert_eq!(costs, [11, 11]);
}

#[tokio::test]
async fn job_that_is_too_old_tells_nobody() {
    let scene = Scene::new().await;
    scene.phone(BORA, "phone").await;
    let message = scene.say(ANNA, "hi").await;
    scene.pass(3_601).await;

    assert_eq!(scene.work(&[message]).await, NONE);

    assert_eq!(scene.told(), [""; 0]);
}

#[tokio::test]
async fn job_that_says_nothing_fails_alone() {
    let scene = Scene::new().await;
    scene.phone(BORA, "phone").await;
    let message = scene.say(ANNA, "hi").await;
    let mut broken = job(PushKind::Check, ROOM, None, None);
    broken.room = None;

    assert_eq!(scene.work(&[broken, message]).await, [0]);

    assert_eq!(scene.told(), ["phone"]);
}

#[tokio::test]
async fn check_that_is_too_old_takes_no_later_one_along() {
    let scene = Scene::new().await;
    scene.phone(BORA, "phone").await;
    scene.say(ANNA, "hi").await;
    let mut stale = job(PushKind::Check, ROOM, None, Some(Seq(9)));
    stale.at = stale.at.minus(Duration::from_hours(2));

    assert_eq!(scene.work(&[stale, check()]).await, NONE);

    assert_eq!(scene.told(), ["phone"]);
}

use crate::scene::{ANNA, BORA, CHO, EVE, LATER, Scene};
use announce::Delivery;
use domain::{Clock, ConnectionId, PresenceVisibility};
use presence::Patience;
use std::time::Duration;
use testkit::NOON;

#[tokio::test]
async fn friends_who_are_there_are_told_in_one_frame_each() {
    let scene = Scene::new().await;
    for (user, name) in [(ANNA, "anna"), (BORA, "phone"), (BORA, "laptop"), (CHO, "cho"), (EVE, "eve")] {
        scene.come(user, name, NOON).await;
    }

    let mut told = scene.look(&[ANNA, BORA, EVE]).await;

    told.sort_unstable();
    assert_eq!(told, [ANNA, BORA, EVE]);
    let frame = |name: &str, people: &[i64]| (name.to_owned(), people.iter().map(|id| (*id, true)).collect::<Vec<_>>());
    assert_eq!(
        scene.told(),
        [frame("anna", &[2]), frame("cho", &[1, 2]), frame("laptop", &[1]), frame("phone", &[1])],
        "and nobody is told of themselves or of strangers"
    );
}

#[tokio::test]
async fn unchanged_presence_is_told_once() {
    let scene = Scene::new().await;
    for (user, name) in [(ANNA, "anna"), (BORA, "bora")] {
        scene.come(user, name, NOON).await;
    }
    scene.look(&[ANNA]).await;
    scene.told();

    for _ in 0..2 {
        assert_eq!(scene.look(&[ANNA]).await, []);
    }
    assert!(scene.come(ANNA, "tablet", NOON).await, "a second device finds that everybody knows");
    scene.go("anna").await;
    assert_eq!(scene.look(&[ANNA]).await, []);
    assert_eq!(scene.told(), []);
}

#[tokio::test]
async fn background_tabs_are_not_told() {
    let scene = Scene::new().await;
    scene.come(BORA, "bora", NOON).await;
    scene.come(ANNA, "anna", LATER).await;

    let watcher = scene.watcher(Clock(|| LATER));
    assert_eq!(watcher.reconcile(&[ANNA], Patience::Tell).await.unwrap().told, [ANNA]);

    assert_eq!(scene.told(), []);
}

#[tokio::test]
async fn hidden_presence_is_told_in_neither_direction() {
    let scene = Scene::new().await;
    scene.know(BORA, 2, vec![ANNA, CHO], PresenceVisibility::Nobody).await;
    for (user, name) in [(ANNA, "anna"), (BORA, "bora"), (CHO, "cho")] {
        scene.come(user, name, NOON).await;
    }

    scene.look(&[ANNA, BORA]).await;

    assert_eq!(scene.told(), [("cho".to_owned(), vec![(1, true)])]);
    assert_eq!(scene.online().await, [ANNA]);
}

#[tokio::test]
async fn user_who_hides_goes_offline_at_once() {
    let scene = Scene::new().await;
    for (user, name) in [(ANNA, "anna"), (BORA, "bora")] {
        scene.come(user, name, NOON).await;
    }
    scene.look(&[ANNA]).await;
    scene.told();

    scene.leave("anna", NOON).await;
    scene.look(&[ANNA]).await;
    assert_eq!(scene.told(), [], "a look leaves who has just left to another one");
    scene.know(ANNA, 2, vec![BORA, CHO], PresenceVisibility::Nobody).await;
    scene.look(&[ANNA]).await;

    let (name, frame) = scene.stores.pushes.next();
    let gone = serde_json::json!([{ "user_id": 1, "online": false, "last_seen_at": null, "rev": 2 }]);
    assert_eq!((name.as_str(), &frame["d"]["people"]), ("bora", &gone));
    assert_eq!(scene.online().await, []);
}

#[tokio::test]
async fn former_friend_is_not_told() {
    let scene = Scene::new().await;
    for (user, name) in [(ANNA, "anna"), (BORA, "bora")] {
        scene.come(user, name, NOON).await;
    }
    // Half of what a block ends is known.
    scene.know(BORA, 2, vec![CHO], PresenceVisibility::Friends).await;

    scene.look(&[ANNA, BORA]).await;

    assert_eq!(scene.told(), []);
    assert_eq!(scene.online().await, [ANNA, BORA]);
}

#[tokio::test]
async fn last_seen_and_rev_are_told() {
    let scene = Scene::new().await;
    for (user, name) in [(ANNA, "anna"), (BORA, "bora")] {
        scene.come(user, name, NOON).await;
    }
    scene.look(&[ANNA]).await;
    scene.go("anna").await;
    scene.look(&[ANNA]).await;

    let people: Vec<_> = scene.stores.pushes.all().into_iter().map(|(_, frame)| frame["d"]["people"].clone()).collect();

    let person = |online, last_seen_at, rev| serde_json::json!([{ "user_id": 1, "online": online, "last_seen_at": last_seen_at, "rev": rev }]);
    assert_eq!(people, [person(true, None, 1), person(false, Some("2036-07-18T13:20:00.000Z"), 2)]);
}

#[tokio::test]
async fn write_that_fails_keeps_nobody_elses_news() {
    let scene = Scene::new().await;
    for (user, name) in [(ANNA, "anna"), (BORA, "bora"), (CHO, "cho")] {
        scene.come(user, name, NOON).await;
    }
    testkit::mongo::refuse(scene.stores.mongo_url(), "presence", ANNA.0).await;

    let looked = scene.watcher(Clock(|| NOON)).reconcile(&[ANNA, BORA, CHO], Patience::Tell).await;

    assert!(looked.is_err(), "whoever asked asks again");
    let told = [("anna", vec![(2, true), (3, true)]), ("bora", vec![(3, true)]), ("cho", vec![(2, true)])];
    assert_eq!(scene.told(), told.map(|(name, people)| (name.to_owned(), people)));
    assert_eq!((scene.online().await, scene.jobs()), (vec![BORA, CHO], vec![]));
}

#[tokio::test]
async fn friend_whose_connection_is_closed_is_looked_at() {
    let scene = Scene::new().await;
    scene.come(ANNA, "anna", NOON).await;
    scene.come(BORA, "gone", NOON).await;

    scene.look(&[ANNA]).await;

    let jobs = scene.jobs();
    assert_eq!((jobs.len(), jobs[0].0.users.as_slice(), jobs[0].1.as_secs()), (1, [BORA].as_slice(), 30));
    assert_eq!(scene.stores.connections(BORA).await, [""; 0]);
}

#[tokio::test]
async fn friends_who_are_not_reached_are_named() {
    let scene = Scene::new().await;
    for (user, name) in [(BORA, "bora"), (CHO, "cho")] {
        scene.come(user, name, NOON).await;
    }
    let connections = scene.mongo().connections().list_of_people(&[BORA, CHO], NOON).await.unwrap();
    let frames: Vec<_> = connections.into_iter().map(|connection| (connection, "{}".to_owned())).collect();
    scene.stores.pushes.fail(&["cho"]);

    let delivery = scene.watcher(Clock(|| NOON)).announcer.deliver_each(&frames, Duration::from_secs(1)).await;

    assert_eq!(delivery, Delivery { sent: 1, failed: vec![ConnectionId("cho".to_owned())] });
}

#[tokio::test]
async fn twenty_looks_at_once_tell_once() {
    let scene = Scene::new().await;
    for (user, name) in [(ANNA, "anna"), (BORA, "bora")] {
        scene.come(user, name, NOON).await;
    }
    let mut looks = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let watcher = scene.watcher(Clock(|| NOON));
        looks.spawn(async move { watcher.reconcile(&[ANNA], Patience::Tell).await.unwrap().told.len() });
    }

    let told: usize = looks.join_all().await.into_iter().sum();

    assert_eq!((told, scene.told()), (1, vec![("bora".to_owned(), vec![(1, true)])]));
}

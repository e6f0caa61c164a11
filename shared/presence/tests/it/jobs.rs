use crate::scene::{ANNA, BORA, CHO, EVE, LATER, Scene, job};
use domain::{Clock, ConnectionId, Timestamp};
use queue::{PresenceJob, Target};
use std::time::Duration;
use testkit::NOON;

#[tokio::test]
async fn flap_of_ten_in_a_minute_is_told_once() {
    let scene = Scene::new().await;
    scene.come(BORA, "bora", NOON).await;
    let watcher = scene.watcher(Clock(|| NOON));
    scene.come(ANNA, "c0", NOON).await;
    watcher.work(&[job(&[ANNA], 0)]).await.unwrap();
    scene.told();

    for n in 0..10 {
        scene.go(&format!("c{n}")).await;
        watcher.work(&[job(&[ANNA], 0)]).await.unwrap();
        if n < 9 {
            scene.come(ANNA, &format!("c{}", n + 1), NOON).await;
        }
    }

    assert_eq!(scene.told(), [], "nothing while it lasts");
    let jobs = scene.jobs();
    assert!(jobs.iter().all(|(job, delay)| (job.again, *delay) == (1, Duration::from_secs(90))), "{jobs:?}");
    for (job, _) in &jobs {
        watcher.work(std::slice::from_ref(job)).await.unwrap();
    }
    assert_eq!(scene.told(), [("bora".to_owned(), vec![(1, false)])]);
}

#[tokio::test]
async fn return_before_the_second_look_is_not_told() {
    let scene = Scene::new().await;
    scene.come(BORA, "bora", NOON).await;
    let watcher = scene.watcher(Clock(|| NOON));
    scene.come(ANNA, "anna", NOON).await;
    watcher.work(&[job(&[ANNA], 0)]).await.unwrap();
    scene.told();
    scene.go("anna").await;
    watcher.work(&[job(&[ANNA], 0)]).await.unwrap();

    assert!(scene.come(ANNA, "again", NOON).await);
    watcher.work(&[job(&[ANNA], 1)]).await.unwrap();

    assert_eq!((scene.told(), scene.online().await), (vec![], vec![ANNA]));
}

#[tokio::test]
async fn put_off_job_that_meets_a_later_short_gap_tells_nothing() {
    const SECOND_LOOK: Timestamp = Timestamp::from_millis(NOON.millis() + 90_000);
    let scene = Scene::new().await;
    scene.come(ANNA, "anna", NOON).await;
    scene.look(&[ANNA]).await;
    scene.go("anna").await;
    scene.watcher(Clock(|| NOON)).work(&[job(&[ANNA], 0)]).await.unwrap();
    let put_off: Vec<_> = scene.jobs().into_iter().map(|(job, _)| job).collect();
    scene.come(ANNA, "back", NOON).await;
    scene.come(BORA, "bora", NOON).await;

    let left = SECOND_LOOK.minus(Duration::from_secs(5));
    scene.leave("back", left).await;
    scene.watcher(Clock(|| SECOND_LOOK)).work(&put_off).await.unwrap();

    assert_eq!((put_off.len(), scene.told(), scene.online().await), (1, vec![], vec![ANNA]));
    let own = PresenceJob { gone_by: Some(left), ..job(&[ANNA], 1) };
    scene.watcher(Clock(|| SECOND_LOOK)).work(&[own]).await.unwrap();
    assert_eq!(scene.told(), [("bora".to_owned(), vec![(1, false)])]);
}

#[tokio::test]
async fn end_of_a_long_presence_is_told_at_the_first_look() {
    let scene = Scene::new().await;
    scene.come(ANNA, "anna", NOON).await;
    scene.look(&[ANNA]).await;
    scene.come(BORA, "bora", LATER).await;
    scene.go("anna").await;

    scene.watcher(Clock(|| LATER)).work(&[job(&[ANNA], 0)]).await.unwrap();

    assert_eq!(scene.told(), [("bora".to_owned(), vec![(1, false)])]);
}

#[tokio::test]
async fn jobs_that_come_twice_and_reversed_tell_the_same() {
    let mut outcomes = Vec::new();
    for order in [vec![0, 1, 2], vec![2, 1, 0], vec![0, 0, 1, 1, 2, 2], vec![2, 0, 1, 2, 0, 1]] {
        let scene = Scene::new().await;
        for (user, name) in [(ANNA, "anna"), (BORA, "bora"), (CHO, "cho")] {
            scene.come(user, name, NOON).await;
        }
        scene.look(&[CHO]).await;
        scene.told();
        scene.go("cho").await;
        let jobs = [job(&[ANNA], 0), job(&[BORA, ANNA], 0), job(&[CHO], 1)];
        let watcher = scene.watcher(Clock(|| NOON));

        for index in order {
            watcher.work(std::slice::from_ref(&jobs[index])).await.unwrap();
        }

        let mut told: Vec<_> = scene
            .told()
            .into_iter()
            .flat_map(|(name, people)| people.into_iter().map(move |it| (name.clone(), it)))
            .collect();
        told.sort();
        outcomes.push((told, scene.online().await));
    }

    assert_eq!(outcomes[0].1, [ANNA, BORA]);
    assert!(outcomes.windows(2).all(|pair| pair[0] == pair[1]), "{outcomes:#?}");
}

#[tokio::test]
async fn closed_connections_are_forgotten_before_the_look() {
    for gone_by in [None, Some(NOON)] {
        forget_before_the_look(gone_by).await;
    }
}

async fn forget_before_the_look(gone_by: Option<Timestamp>) {
    let scene = Scene::new().await;
    scene.come(ANNA, "anna", NOON).await;
    scene.look(&[ANNA]).await;
    let target = |connected_at| Target { id: ConnectionId("anna".to_owned()), user: ANNA, connected_at };
    let watcher = scene.watcher(Clock(|| LATER));

    let gone = vec![target(LATER)];
    watcher.work(&[PresenceJob { gone, gone_by, ..PresenceJob::default() }]).await.unwrap();
    assert_eq!(scene.online().await, [ANNA], "the id was given out anew");
    let gone = vec![target(NOON)];
    watcher.work(&[PresenceJob { gone, gone_by, ..PresenceJob::default() }]).await.unwrap();

    assert_eq!(scene.online().await, []);
}

#[tokio::test]
async fn job_for_a_user_without_presence_does_nothing() {
    let scene = Scene::new().await;

    scene.watcher(Clock(|| NOON)).work(&[job(&[EVE], 0), PresenceJob::default()]).await.unwrap();

    assert_eq!((scene.told(), scene.jobs(), scene.online().await), (vec![], vec![], vec![]));
}

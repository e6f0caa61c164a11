use crate::scene::{ANNA, BORA, LATER, OVER, Scene, job};
use domain::{Clock, ConnectionId, Timestamp};
use presence::Swept;
use queue::PresenceJob;
use std::time::Duration;
use testkit::NOON;

#[tokio::test]
async fn lost_disconnect_is_told_when_the_connection_is_over() {
    let scene = Scene::new().await;
    scene.come(ANNA, "anna", NOON).await;
    scene.look(&[ANNA]).await;
    scene.come(BORA, "bora", OVER).await;
    let early = scene.watcher(Clock(|| LATER));
    assert_eq!(early.sweep().await.unwrap(), Swept { ghosts: 0, due: 1 }, "Bora said hello and was not looked at");
    scene.jobs();

    let swept = scene.watcher(Clock(|| OVER)).sweep().await.unwrap();

    assert_eq!(swept.ghosts, 1);
    let jobs: Vec<_> = scene.jobs().into_iter().map(|(job, _)| job).collect();
    assert_eq!((jobs.len(), jobs[0].users.as_slice()), (1, [ANNA, BORA].as_slice()));
    scene.watcher(Clock(|| OVER)).work(&jobs).await.unwrap();
    assert_eq!((scene.told(), scene.online().await), (vec![("bora".to_owned(), vec![(1, false)])], vec![BORA]));
    assert_eq!(scene.watcher(Clock(|| OVER)).sweep().await.unwrap(), Swept::default());
}

#[tokio::test]
async fn sweep_does_everything_without_a_queue() {
    let scene = Scene::new().await;
    let watcher = scene.watcher_alone(Clock(|| NOON));
    scene.come(ANNA, "anna", NOON).await;

    assert_eq!(watcher.sweep().await.unwrap(), Swept { ghosts: 0, due: 1 });
    assert_eq!(scene.online().await, [ANNA]);
    scene.mongo().connections().expire(&ConnectionId("anna".to_owned()), NOON).await.unwrap();
    assert_eq!(watcher.sweep().await.unwrap(), Swept { ghosts: 1, due: 0 });

    assert_eq!(scene.online().await, []);
    assert_eq!(watcher.sweep().await.unwrap(), Swept::default());
}

#[tokio::test]
async fn queue_that_is_away_delays_nobody() {
    let scene = Scene::new().await;
    scene.queue.go_away();
    scene.come(ANNA, "anna", NOON).await;

    scene.watcher(Clock(|| NOON)).sweep().await.unwrap();

    assert_eq!(scene.online().await, [ANNA]);
}

#[tokio::test]
async fn sweep_in_the_gap_of_a_reconnection_tells_nothing() {
    const GAP: Timestamp = Timestamp::from_millis(OVER.millis() - 1_000);
    let scene = Scene::new().await;
    scene.come(ANNA, "anna", NOON).await;
    scene.look(&[ANNA]).await;
    scene.come(BORA, "bora", GAP).await;
    let (watcher, alone) = (scene.watcher(Clock(|| GAP)), scene.watcher_alone(Clock(|| GAP)));
    let left = GAP.minus(Duration::from_secs(20));
    scene.leave("anna", left).await;

    watcher.sweep().await.unwrap();
    let due: Vec<_> = scene.jobs().into_iter().map(|(job, _)| job).collect();
    watcher.work(&due).await.unwrap();
    alone.sweep().await.unwrap();

    assert_eq!((due[0].users.as_slice(), scene.told()), ([ANNA, BORA].as_slice(), vec![]));
    let own = PresenceJob { gone_by: Some(left), ..job(&[ANNA], 0) };
    watcher.work(&[own]).await.unwrap();
    assert_eq!((scene.told(), scene.online().await), (vec![("bora".to_owned(), vec![(1, false)])], vec![BORA]));
}

#[tokio::test]
async fn drift_is_found_after_ten_minutes() {
    let scene = Scene::new().await;
    scene.come(ANNA, "anna", NOON).await;
    scene.look(&[ANNA]).await;
    // Its job was lost.
    scene.go("anna").await;

    let watcher = scene.watcher_alone(Clock(|| LATER));
    assert_eq!(watcher.sweep().await.unwrap(), Swept::default());
    let watcher = scene.watcher_alone(Clock(|| OVER));
    assert_eq!(watcher.sweep().await.unwrap(), Swept { ghosts: 0, due: 1 });

    assert_eq!(scene.online().await, []);
}

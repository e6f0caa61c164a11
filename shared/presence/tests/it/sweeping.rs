use crate::scene::{ANNA, BORA, LATER, OVER, Scene};
use domain::{Clock, ConnectionId};
use presence::Swept;
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

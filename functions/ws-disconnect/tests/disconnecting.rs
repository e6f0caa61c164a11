//! Closed connections, over a database of its own.

use domain::{Clock, Person, SessionId, Timestamp, UserId};
use mongo::Mongo;
use presence::{Patience, Watcher};
use serde_json::json;
use socket::Answer;
use std::{sync::Arc, time::Duration};
use testkit::{NOON, RecordedQueue, Stores, events, person};
use ws_disconnect::App;

const MINJI: UserId = UserId(1);
const JUNHO: UserId = UserId(2);

fn app(stores: &Stores, queue: Option<&Arc<RecordedQueue>>) -> App {
    let presence = queue.map(|queue| queue.clone() as queue::Jobs);
    App { mongo: stores.mongo().clone(), presence, clock: stores.clock() }
}

#[tokio::test]
async fn closed_connection_is_forgotten() {
    let stores = Stores::without_mysql().await;
    for name in ["phone", "laptop"] {
        stores.connect(MINJI, SessionId::from_bytes([1; 16]), name).await;
    }

    let queue = Arc::new(RecordedQueue::default());
    let answer = ws_disconnect::handle(&app(&stores, Some(&queue)), events::closed("phone")).await.unwrap();

    assert_eq!(answer, Answer::status(200));
    assert_eq!(stores.connections(MINJI).await, ["laptop"]);
    let jobs = queue.all();
    assert_eq!((jobs.len(), jobs[0].delay), (1, Duration::from_secs(30)));
    let body: serde_json::Value = serde_json::from_str(&jobs[0].body).unwrap();
    assert_eq!(body, json!({ "v": 1, "users": [MINJI], "again": 0, "gone_by": NOON.millis() }));
    assert_eq!(stores.mongo().connections().list_ghosts(NOON, 10).await.unwrap(), []);
}

#[tokio::test]
async fn person_who_cannot_be_queued_is_left_to_the_sweep() {
    let away = Arc::new(RecordedQueue::default());
    away.go_away();
    for queue in [None, Some(&away)] {
        let stores = Stores::without_mysql().await;
        stores.connect(MINJI, SessionId::from_bytes([1; 16]), "phone").await;

        let answer = ws_disconnect::handle(&app(&stores, queue), events::closed("phone")).await.unwrap();

        assert_eq!(answer, Answer::status(200));
        let ghosts = async |seconds| {
            let at = NOON.plus(Duration::from_secs(seconds));
            stores.mongo().connections().list_ghosts(at, 10).await.unwrap()
        };
        assert_eq!((ghosts(29).await, ghosts(30).await), (vec![], vec![MINJI]));
    }
}

#[tokio::test]
async fn person_whom_the_queue_refused_is_told_by_the_sweep() {
    const SWEEP: Timestamp = Timestamp::from_millis(NOON.millis() + 30_000);
    let stores = Stores::without_mysql().await;
    for (user, friend, name) in [(MINJI, JUNHO, "phone"), (JUNHO, MINJI, "junho")] {
        stores.connect(user, SessionId::from_bytes([1; 16]), name).await;
        let knows = Person { friends: vec![friend], ..person(user, name) };
        stores.mongo().people().project(&knows).await.unwrap();
        stores.mongo().presence().greet(user, NOON).await.unwrap();
    }
    let (mongo, announcer) = (stores.mongo().clone(), stores.announcer());
    let watcher = Watcher { mongo, announcer, clock: Clock(|| SWEEP) };
    watcher.reconcile(&[MINJI], Patience::Tell).await.unwrap();
    let away = Arc::new(RecordedQueue::default());
    away.go_away();

    ws_disconnect::handle(&app(&stores, Some(&away)), events::closed("phone")).await.unwrap();
    watcher.sweep().await.unwrap();

    let told: Vec<_> = stores.pushes.frames("junho").iter().map(|it| it["d"]["people"][0]["online"].clone()).collect();
    assert_eq!(told, [json!(true), json!(false)]);
    assert_eq!(stores.mongo().connections().list_ghosts(SWEEP, 10).await.unwrap(), []);
}

#[tokio::test]
async fn unknown_connection_is_no_failure() {
    let stores = Stores::without_mysql().await;

    let queue = Arc::new(RecordedQueue::default());
    let answer = ws_disconnect::handle(&app(&stores, Some(&queue)), events::closed("nobody")).await.unwrap();

    assert_eq!(answer, Answer::status(200));
    assert_eq!(queue.sends(), 0);
}

#[tokio::test]
async fn unavailable_store_is_no_failure() {
    let mongo = Mongo::connect("mongodb://127.0.0.1:1/none?serverSelectionTimeoutMS=50").await.unwrap();

    let app = App { mongo, presence: None, clock: Clock(|| NOON) };
    let answer = ws_disconnect::handle(&app, events::closed("phone")).await.unwrap();

    assert_eq!(answer, Answer::status(200));
}

use crate::scene::{ANNA, BORA, Scene, eventually, long_ago, now, texts};
use domain::{Rev, Seq};
use futures_util::future::join_all;
use mongo::{Anchor, Fanout, Messages, Placement};
use std::time::Duration;

#[tokio::test]
async fn cursor_never_passes_a_change_in_flight() {
    let scene = Scene::new().await;
    scene.send(ANNA, "a", "one").await.unwrap();
    scene.settle().await;
    let in_flight = scene.reserve(Placement::New(Messages::new_id())).await;
    scene.send(BORA, "b", "three").await.unwrap();

    let page = scene.sync(ANNA, 0, 100).await.unwrap();
    assert_eq!((page.cursor, page.head, page.more), (Rev(1), Rev(3), false));
    assert_eq!(texts(&page.items), ["one"]);

    assert!(scene.release(&in_flight).await);
    let page = scene.sync_settled(ANNA, 1, 100).await;
    assert_eq!((texts(&page.items), page.cursor, page.head), (vec!["three"], Rev(3), Rev(3)));
}

#[tokio::test]
async fn entry_of_a_dead_writer_expires_after_five_seconds() {
    let scene = Scene::new().await;
    let dead = scene.reserve(Placement::New(Messages::new_id())).await;
    scene.send(BORA, "b", "after").await.unwrap();
    assert_eq!(scene.sync(ANNA, 0, 100).await.unwrap().cursor, Rev(0));

    // The server's clock decides; there is no way to hurry it.
    tokio::time::sleep(Duration::from_millis(5_100)).await;

    let page = scene.sync(ANNA, 0, 100).await.unwrap();
    assert_eq!((texts(&page.items), page.cursor), (vec!["after"], Rev(2)));
    assert!(!scene.release(&dead).await, "its entry was dropped, so it must stamp");
}

#[tokio::test]
async fn late_message_is_stamped_above_what_readers_passed() {
    let scene = Scene::new().await;
    let late = scene.send(ANNA, "a", "late").await.unwrap().message;
    let passed = scene.send(BORA, "b", "passed").await.unwrap().message;

    let position = scene.reserve_above(late.id).await;
    let (mut causal, message) = (scene.mongo().causal().await.unwrap(), scene.find(late.id).await.message);
    let fanout = Fanout::new(now(), 0);
    let stamped =
        scene.mongo().messages().stamp(&mut causal, &message, &position, fanout).await.unwrap().unwrap().message;
    assert!(scene.release(&position).await);

    assert!(stamped.rev > passed.rev);
    assert_eq!((stamped.seq, stamped.content.as_str()), (late.seq, "late"));
    assert_eq!(texts(&scene.sync_settled(BORA, passed.rev.0, 100).await.items), ["late"]);
}

#[tokio::test]
async fn numbers_that_a_failover_set_back_are_lifted() {
    let scene = Scene::new().await;
    scene.send(ANNA, "a", "one").await.unwrap();

    let above = Placement::Above { id: Messages::new_id(), rev: Rev(40), seq: Seq(30) };
    let position = scene.reserve(above).await;
    scene.release(&position).await;

    assert_eq!((position.rev, position.seq), (Rev(41), Seq(30)));
    assert_eq!(scene.send(ANNA, "b", "two").await.unwrap().message.seq, Seq(31));
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_edits_are_all_acknowledged_and_the_highest_rev_stays() {
    let scene = Scene::new().await;
    let message = scene.send(ANNA, "a", "zero").await.unwrap().message;

    let edits = (0..20).map(|i| {
        let (scene, id) = (&scene, message.id);
        async move { scene.edit(ANNA, id, &format!("edit {i}")).await.unwrap() }
    });
    let mut edits = join_all(edits).await;

    edits.sort_by_key(|edit| edit.rev);
    assert!(edits.windows(2).all(|pair| pair[0].rev < pair[1].rev));
    let last = edits.pop().unwrap();
    let page = scene.list(BORA, Anchor::Newest, 10).await.unwrap();
    assert_eq!((page.items[0].rev, page.items[0].content.as_str()), (last.rev, last.content.as_str()));
    assert_eq!(scene.sync_settled(BORA, last.rev.0 - 1, 10).await.items.len(), 1);
}

#[tokio::test]
async fn page_delivers_an_abandoned_message_first() {
    let scene = Scene::new().await;
    scene.connect(BORA, "tablet").await;
    let message = scene.send(ANNA, "a", "owed").await.unwrap().message;
    let passed = scene.abandon(message.id, long_ago()).await;

    let page = scene.list(ANNA, Anchor::Newest, 10).await.unwrap();

    assert!(page.items[0].rev > passed);
    assert_eq!(scene.pushed.count(), 2);
    scene.is_delivered(message.id).await;
}

#[tokio::test]
async fn page_stamps_no_message_whose_push_failed() {
    let scene = Scene::new().await;
    scene.connect(BORA, "tablet").await;
    scene.pushed.fail(&["tablet"]);
    let message = scene.send(ANNA, "a", "owed").await.unwrap().message;
    let (mongo, failed) = (scene.mongo(), [domain::ConnectionId("tablet".to_owned())]);
    let at = long_ago();
    mongo.messages().note_failed(message.id, message.rev, &failed, 0, at).await.unwrap();
    eventually(async || scene.find(message.id).await.fanout.is_some_and(|fanout| fanout.at <= at)).await;
    scene.pushed.fail(&[]);

    let page = scene.list(BORA, Anchor::Newest, 10).await.unwrap();

    assert_eq!((page.items[0].rev, scene.pushed.count()), (message.rev, 0));
}

#[tokio::test]
async fn page_stamps_at_most_five_abandoned_messages() {
    let scene = Scene::new().await;
    for name in ["a", "b", "c", "d", "e", "f", "g"] {
        let id = scene.send(ANNA, name, name).await.unwrap().message.id;
        scene.abandon(id, long_ago()).await;
    }
    let head = scene.sync(ANNA, 0, 1).await.unwrap().head;

    let page = scene.list(BORA, Anchor::Newest, 10).await.unwrap();

    assert_eq!(page.items.iter().filter(|item| item.rev > head).count(), 5);
    assert_eq!(texts(&page.items), ["a", "b", "c", "d", "e", "f", "g"]);
}

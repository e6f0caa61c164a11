use crate::scene::{ANNA, BORA, Scene, access, eventually, long_ago, now, texts};
use contract::MessageView;
use domain::{Clock, ConnectionId, MessageId, Rev, Timestamp};
use messaging::{Swept, sweep};
use mongo::{Anchor, Fanout};
use mongodb::bson::{doc, oid::ObjectId};
use std::time::Duration;

const END_OF_TIME: Timestamp = Timestamp::from_millis(i64::MAX);
const LATER: Timestamp = Timestamp::from_millis(4_000_000_000_000);

/// A message that was written, and of which nobody was told since.
async fn left_behind(scene: &Scene, client_id: &str, since: Timestamp) -> (MessageId, Rev) {
    let id = scene.send(ANNA, client_id, client_id).await.unwrap().message.id;
    (id, scene.abandon(id, since).await)
}

/// A message whose push to some connections failed, so long ago that it is to be tried again.
async fn missed(scene: &Scene, failed: &[&str], tries: u32) -> MessageView {
    scene.pushed.fail(failed);
    let sent = scene.send(ANNA, "missed", "missed").await.unwrap().message;
    wait_long(scene, &sent, failed, tries).await;
    sent
}

/// Lets the time between two sweeps pass.
async fn wait_long(scene: &Scene, sent: &MessageView, failed: &[&str], tries: u32) {
    let failed: Vec<_> = failed.iter().map(|name| ConnectionId((*name).to_owned())).collect();
    let at = long_ago();
    scene.mongo().messages().note_failed(sent.id, sent.rev, &failed, tries, at).await.unwrap();
    eventually(async || fanout(scene, sent).await.is_some_and(|fanout| fanout.tries == tries && fanout.at <= at)).await;
}

async fn fanout(scene: &Scene, sent: &MessageView) -> Option<Fanout> {
    scene.find(sent.id).await.fanout
}

async fn sweep_up(scene: &Scene, limit: i64) -> Swept {
    sweep(&scene.messenger(), limit, END_OF_TIME).await.unwrap()
}

#[tokio::test]
async fn sweep_delivers_a_message_of_a_dead_writer() {
    let scene = Scene::new().await;
    let (id, passed) = left_behind(&scene, "a", long_ago()).await;
    scene.connect(BORA, "tablet").await;

    let swept = sweep_up(&scene, 10).await;

    assert_eq!(swept, Swept { delivered: 1, failed: 0 });
    assert_eq!(scene.pushed.frames("tablet")[0]["d"]["id"], id.to_string());
    assert_eq!(texts(&scene.sync_settled(BORA, passed.0, 10).await.items), ["a"]);
}

#[tokio::test]
async fn delivered_message_is_not_swept_again() {
    let scene = Scene::new().await;
    let (id, _) = left_behind(&scene, "a", long_ago()).await;
    scene.connect(BORA, "tablet").await;
    sweep_up(&scene, 10).await;
    scene.is_delivered(id).await;

    let swept = sweep_up(&scene, 10).await;

    assert_eq!((swept, scene.pushed.count()), (Swept::default(), 1));
}

#[tokio::test]
async fn writer_has_five_seconds_to_deliver() {
    let scene = Scene::new().await;
    left_behind(&scene, "a", now()).await;

    assert_eq!(sweep_up(&scene, 10).await, Swept::default());
}

#[tokio::test]
async fn sweep_keeps_to_its_limit() {
    let scene = Scene::new().await;
    for client_id in ["a", "b", "c"] {
        left_behind(&scene, client_id, long_ago()).await;
    }

    assert_eq!(sweep_up(&scene, 2).await, Swept { delivered: 2, failed: 0 });
}

#[tokio::test]
async fn abandoned_tombstone_is_delivered_as_one() {
    let scene = Scene::new().await;
    let sent = scene.send(ANNA, "a", "a secret").await.unwrap().message;
    let position = scene.reserve_above(sent.id).await;
    let mut causal = scene.mongo().causal().await.unwrap();
    scene.mongo().messages().delete(&mut causal, sent.id, &position, long_ago()).await.unwrap().unwrap();
    scene.release(&position).await;
    scene.connect(BORA, "tablet").await;

    sweep_up(&scene, 10).await;

    assert_eq!(scene.pushed.frames("tablet")[0]["t"], "message.deleted");
}

#[tokio::test]
async fn message_abandoned_before_a_block_is_delivered() {
    let scene = Scene::new().await;
    left_behind(&scene, "a", long_ago()).await;
    scene.block(2).await;

    let swept = sweep_up(&scene, 10).await;

    assert_eq!(swept.delivered, 1);
    assert_eq!(texts(&scene.list(BORA, Anchor::Newest, 10).await.unwrap().items), ["a"]);
}

#[tokio::test]
async fn sweep_without_time_leaves_the_rest() {
    let scene = Scene::new().await;
    left_behind(&scene, "a", long_ago()).await;

    let swept = sweep(&scene.messenger(), 10, long_ago()).await.unwrap();

    assert_eq!(swept, Swept { delivered: 0, failed: 0 });
    assert_eq!(sweep_up(&scene, 10).await.delivered, 1);
}

#[tokio::test]
async fn failed_push_is_noted_and_fails_no_send() {
    let scene = Scene::new().await;
    for name in ["tablet", "watch", "gone"] {
        scene.connect(BORA, name).await;
    }
    scene.pushed.fail(&["tablet"]);

    let sent = scene.send(ANNA, "a", "hi").await.unwrap().message;

    assert_eq!(scene.pushed.connections(), ["watch"]);
    let tablet = Some(vec![ConnectionId("tablet".to_owned())]);
    eventually(async || {
        fanout(&scene, &sent)
            .await
            .is_some_and(|fanout| (fanout.released, fanout.tries, &fanout.failed) == (true, 0, &tablet))
    })
    .await;
}

#[tokio::test]
async fn sweep_pushes_a_missed_message_to_connections_that_missed_it() {
    let scene = Scene::new().await;
    for name in ["tablet", "watch"] {
        scene.connect(BORA, name).await;
    }
    let sent = missed(&scene, &["tablet"], 0).await;
    scene.pushed.fail(&[]);

    let swept = sweep_up(&scene, 10).await;

    assert_eq!(swept, Swept { delivered: 1, failed: 0 });
    assert_eq!((scene.pushed.frames("tablet").len(), scene.pushed.frames("watch").len()), (1, 1));
    assert_eq!(scene.pushed.frames("tablet")[0]["rev"], sent.rev.0);
    assert_eq!(scene.sync_settled(BORA, 0, 10).await.head, sent.rev, "no position was taken");
    scene.is_delivered(sent.id).await;
}

#[tokio::test]
async fn missed_message_is_pushed_to_present_members_only() {
    let scene = Scene::new().await;
    scene.connect(ANNA, "laptop").await;
    scene.connect(BORA, "tablet").await;
    let sent = missed(&scene, &["laptop", "tablet"], 0).await;
    scene.pushed.fail(&[]);
    scene.project(&access(2, &[ANNA])).await;

    sweep_up(&scene, 10).await;

    assert_eq!(scene.pushed.connections(), ["laptop"]);
    scene.is_delivered(sent.id).await;
}

#[tokio::test]
async fn missed_message_is_not_pushed_to_connections_opened_since() {
    let scene = Scene::new().await;
    scene.connect(BORA, "tablet").await;
    missed(&scene, &["tablet"], 0).await;
    scene.pushed.fail(&[]);
    scene.connect(BORA, "new").await;

    sweep_up(&scene, 10).await;

    assert_eq!(scene.pushed.connections(), ["tablet"]);
}

#[tokio::test]
async fn message_missed_by_more_than_25_is_pushed_to_all() {
    let scene = Scene::new().await;
    let names: Vec<_> = (0..26).map(|n| format!("device {n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for (n, name) in names.iter().enumerate() {
        scene.connect(if n < 13 { ANNA } else { BORA }, name).await;
    }
    scene.connect(BORA, "watch").await;
    let sent = missed(&scene, &names, 0).await;
    assert_eq!(fanout(&scene, &sent).await.unwrap().failed, None);
    scene.pushed.fail(&[]);

    sweep_up(&scene, 10).await;

    assert_eq!((scene.pushed.count(), scene.pushed.frames("watch").len()), (28, 2));
}

#[tokio::test]
async fn missed_message_is_pushed_three_times_and_then_left_to_sync() {
    let scene = Scene::new().await;
    scene.connect(BORA, "tablet").await;
    let sent = missed(&scene, &["tablet"], 0).await;
    for tries in 1..=2 {
        sweep_up(&scene, 10).await;
        eventually(async || fanout(&scene, &sent).await.is_some_and(|fanout| fanout.tries == tries)).await;
        assert_eq!(sweep_up(&scene, 10).await, Swept::default(), "the next try waits");
        wait_long(&scene, &sent, &["tablet"], tries).await;
    }

    sweep_up(&scene, 10).await;

    scene.is_delivered(sent.id).await;
    assert_eq!(scene.pushed.count(), 0);
    assert_eq!(texts(&scene.sync_settled(BORA, 0, 10).await.items), ["missed"]);
}

#[tokio::test]
async fn missed_message_edited_since_is_not_pushed_in_its_old_form() {
    let scene = Scene::new().await;
    scene.connect(BORA, "tablet").await;
    let sent = missed(&scene, &["tablet"], 2).await;
    let edited = scene.edit(ANNA, sent.id, "edited").await.unwrap();
    eventually(async || fanout(&scene, &sent).await.is_some_and(|fanout| fanout.released)).await;
    wait_long(&scene, &edited, &["tablet"], 0).await;
    scene.pushed.fail(&[]);

    sweep_up(&scene, 10).await;

    let frames = scene.pushed.frames("tablet");
    assert_eq!(
        (frames.len(), &frames[0]["rev"], &frames[0]["d"]["content"]),
        (1, &edited.rev.0.into(), &"edited".into())
    );
}

#[tokio::test]
async fn message_that_always_fails_does_not_starve_others() {
    let scene = Scene::new().await;
    let (lost, _) = left_behind(&scene, "lost", long_ago().minus(Duration::from_mins(1))).await;
    let messages = scene.collection("messages").await;
    let no_room = doc! { "$set": { "room_id": 99 } };
    messages.update_one(doc! { "_id": ObjectId::from_bytes(lost.0) }, no_room).await.unwrap();
    left_behind(&scene, "a", long_ago()).await;

    assert_eq!(sweep_up(&scene, 1).await, Swept { delivered: 0, failed: 1 });
    // What the first sweep noted is read once a majority has it.
    eventually(async || sweep_up(&scene, 1).await.delivered == 1).await;
}

#[tokio::test]
async fn message_that_takes_too_long_does_not_end_the_sweep() {
    let scene = Scene::new().await;
    let (slow, _) = left_behind(&scene, "slow", long_ago().minus(Duration::from_mins(1))).await;
    let (other, _) = left_behind(&scene, "other", long_ago()).await;
    let mut held = scene.hold(slow).await;
    // The clock stands still: only the limit of one message passes.
    let messenger = scene.messenger_at(scene.mongo(), Clock(|| LATER));

    let swept = sweep(&messenger, 10, LATER.plus(Duration::from_millis(500))).await.unwrap();

    assert_eq!(swept, Swept { delivered: 1, failed: 1 });
    scene.is_delivered(other).await;
    // Or the database is dropped a minute later, when the server ends the transaction.
    held.abort_transaction().await.unwrap();
}

//! When devices may have to be told of a message, and what becomes of it if the queue is away.

use crate::scene::{ANNA, BORA, EVE, GROUP, ROOM, Scene, eventually, now};
use domain::{Mentions, MessageId, RoomEvent, Seq, System, SystemKind, UserId};
use messaging::{MarkRead, Messenger, mark_read, notify_late, place_events, send_message, sweep};
use mongo::{Messages, NewMessage, Placement};
use mongodb::bson::{DateTime, doc, oid::ObjectId};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use testkit::{RecordedQueue, mongo::Profile};

/// Two people, and what is queued.
async fn scene() -> (Scene, Arc<RecordedQueue>) {
    (Scene::new().await, Arc::default())
}

fn messenger(scene: &Scene, queue: &Arc<RecordedQueue>) -> Messenger {
    let messenger = scene.messenger();
    Messenger { announcer: messenger.announcer.clone().with_notifications(Some(queue.clone())), ..messenger }
}

async fn say(scene: &Scene, messenger: &Messenger, client_id: &str) -> MessageId {
    let draft = crate::scene::draft(ANNA, client_id, "hi");
    send_message(messenger, &scene.author(ANNA), &draft).await.unwrap().message.id
}

/// Leaves a new message as a writer that died before its first push does.
async fn abandon_new(scene: &Scene, client_id: &str) -> MessageId {
    let (id, draft, at) = (Messages::new_id(), crate::scene::draft(ANNA, client_id, "hi"), crate::scene::long_ago());
    let position = scene.reserve(Placement::New(id)).await;
    let new = NewMessage { id, draft: &draft, mentions: Mentions::default(), attachments: &[], fingerprint: b"f", at };
    let mut causal = scene.mongo().causal().await.unwrap();
    scene.mongo().messages().insert(&mut causal, &new, &position).await.unwrap();
    assert!(scene.release(&position).await);
    id
}

/// Somebody has a connection and acted on it so long ago.
async fn connect(scene: &Scene, user: UserId, name: &str, seconds: u64) {
    scene.connect(user, name).await;
    let until = now().plus(Duration::from_secs(150)).minus(Duration::from_secs(seconds));
    let active = doc! { "$set": { "open.0.active_until": DateTime::from_millis(until.millis()) } };
    scene.collection("sockets").await.update_one(doc! { "_id": user.0 }, active).await.unwrap();
}

/// What was queued: the kind, the message's number and the delay.
fn jobs(queue: &RecordedQueue) -> Vec<(String, i64, u64)> {
    let jobs = queue.all();
    let each = jobs.iter().map(|job| {
        let body: Value = serde_json::from_str(&job.body).unwrap();
        (body["kind"].as_str().unwrap().to_owned(), body["seq"].as_i64().unwrap(), job.delay.as_secs())
    });
    each.collect()
}

fn job(kind: &str, seq: i64, delay: u64) -> (String, i64, u64) {
    (kind.to_owned(), seq, delay)
}

#[tokio::test]
async fn message_to_an_inactive_member_is_queued_at_once() {
    let (scene, queue) = scene().await;
    let messenger = messenger(&scene, &queue);
    connect(&scene, BORA, "idle", 151).await;

    let id = say(&scene, &messenger, "one").await;

    let [one] = &queue.all()[..] else { panic!("one job") };
    let body: Value = serde_json::from_str(&one.body).unwrap();
    let at = scene.find(id).await.message.created_at.millis();
    let expected = json!({ "v": 1, "kind": "message", "room": "private:1", "id": id, "seq": 1, "try": 0, "at": at });
    assert_eq!((body, one.delay, one.group.as_deref()), (expected, Duration::ZERO, Some("private:1")));
}

#[tokio::test]
async fn room_with_only_active_members_is_checked_once_later() {
    let (scene, queue) = scene().await;
    let messenger = messenger(&scene, &queue);
    connect(&scene, BORA, "here", 0).await;

    for client_id in ["one", "two", "three"] {
        say(&scene, &messenger, client_id).await;
    }

    assert_eq!(jobs(&queue), [job("check", 1, 30)]);
}

#[tokio::test]
async fn check_refused_by_the_queue_is_queued_with_the_next_message() {
    let (scene, queue) = scene().await;
    let messenger = messenger(&scene, &queue);
    connect(&scene, BORA, "here", 0).await;
    queue.go_away();
    say(&scene, &messenger, "one").await;
    eventually(async || scene.mongo().messages().list_owed_notifications(10).await.unwrap().len() == 1).await;
    queue.come_back();

    say(&scene, &messenger, "two").await;

    assert_eq!(jobs(&queue), [job("check", 2, 30)]);
}

#[tokio::test]
async fn connections_of_the_author_do_not_count() {
    let (scene, queue) = scene().await;
    connect(&scene, ANNA, "own", 0).await;

    say(&scene, &messenger(&scene, &queue), "one").await;

    assert_eq!(jobs(&queue), [job("message", 1, 0)]);
}

#[tokio::test]
async fn message_to_many_connections_is_queued_at_once() {
    let (scene, queue) = scene().await;
    let messenger = messenger(&scene, &queue);
    let messenger = Messenger { announcer: messenger.announcer.clone().with_inline_connections(1), ..messenger };
    for name in ["a", "b"] {
        connect(&scene, BORA, name, 0).await;
    }

    say(&scene, &messenger, "one").await;

    assert_eq!(jobs(&queue), [job("message", 1, 0)]);
}

#[tokio::test]
async fn changes_of_a_message_queue_no_notification() {
    let (scene, queue) = scene().await;
    let messenger = messenger(&scene, &queue);
    let (author, id) = (scene.author(ANNA), scene.send(ANNA, "one", "hi").await.unwrap().message.id);

    let content = domain::Content::parse("ho").unwrap();
    messaging::edit_message(&messenger, &author, &messaging::EditMessage { message: id, content }).await.unwrap();
    let emoji = domain::Emoji::parse("👍").unwrap();
    let react = messaging::React { message: id, emoji, to: messaging::Reacted::There };
    messaging::react(&messenger, &author, react).await.unwrap();
    messaging::pin_message(&messenger, &author, id, messaging::Pinned::There).await.unwrap();

    assert_eq!(jobs(&queue), []);
}

#[tokio::test]
async fn retry_of_a_sent_message_queues_no_notification() {
    let (scene, queue) = scene().await;
    let messenger = messenger(&scene, &queue);

    for _ in 0..2 {
        let id = say(&scene, &messenger, "one").await;
        scene.is_delivered(id).await;
    }

    assert_eq!(jobs(&queue), [job("message", 1, 0)]);
}

#[tokio::test]
async fn only_the_added_member_is_notified_of_a_notice() {
    let (scene, queue) = scene().await;
    let messenger = messenger(&scene, &queue);
    scene.group_of(1, &[ANNA, BORA, EVE]).await;
    connect(&scene, BORA, "here", 0).await;
    let notice = |id, kind, user| {
        let system = System { kind, user: Some(user), by: ANNA, role: None, name: None };
        RoomEvent { id, room: GROUP.id, system, at: now() }
    };
    let events = [
        notice(1, SystemKind::MemberJoined, BORA),
        notice(2, SystemKind::MemberAdded, BORA),
        notice(3, SystemKind::MemberAdded, EVE),
        notice(4, SystemKind::MemberLeft, EVE),
    ];

    place_events(&messenger, GROUP.id, &events).await.unwrap();

    assert_eq!(jobs(&queue), [job("check", 2, 30), job("message", 3, 0)]);
}

#[tokio::test]
async fn no_notification_is_owed_without_a_queue() {
    let scene = Scene::new().await;

    let id = say(&scene, &scene.messenger(), "one").await;

    scene.is_delivered(id).await;
    assert_eq!(scene.mongo().messages().list_owed_notifications(10).await.unwrap(), []);
}

#[tokio::test]
async fn job_refused_by_the_queue_is_queued_by_the_next_run() {
    let (scene, queue) = scene().await;
    let messenger = messenger(&scene, &queue);
    queue.go_away();
    let id = say(&scene, &messenger, "one").await;
    let rev = scene.find(id).await.message.rev;
    eventually(async || scene.mongo().messages().list_owed_notifications(10).await.unwrap().len() == 1).await;
    assert_eq!(notify_late(&messenger, 10).await.unwrap(), 0);

    queue.come_back();
    assert_eq!(notify_late(&messenger, 10).await.unwrap(), 1);

    assert_eq!(jobs(&queue), [job("message", 1, 0)]);
    eventually(async || scene.mongo().messages().list_owed_notifications(10).await.unwrap().is_empty()).await;
    assert_eq!(scene.find(id).await.message.rev, rev, "no stamp");
}

#[tokio::test]
async fn notification_owed_for_an_hour_is_dropped() {
    let (scene, queue) = scene().await;
    let messenger = messenger(&scene, &queue);
    queue.go_away();
    let id = say(&scene, &messenger, "one").await;
    queue.come_back();
    let sent = DateTime::from_millis(now().minus(Duration::from_mins(61)).millis());
    let this = doc! { "_id": ObjectId::from_bytes(id.0) };
    scene.collection("messages").await.update_one(this, doc! { "$set": { "created_at": sent } }).await.unwrap();
    eventually(async || scene.mongo().messages().list_owed_notifications(10).await.unwrap().len() == 1).await;

    notify_late(&messenger, 10).await.unwrap();

    assert_eq!(jobs(&queue), []);
    eventually(async || scene.mongo().messages().list_owed_notifications(10).await.unwrap().is_empty()).await;
}

#[tokio::test]
async fn message_of_a_dead_writer_is_queued_when_delivered() {
    let (scene, queue) = scene().await;
    abandon_new(&scene, "one").await;

    sweep(&messenger(&scene, &queue), 10, now().plus(Duration::from_secs(5))).await.unwrap();

    assert_eq!(jobs(&queue), [job("message", 1, 0)]);
}

#[tokio::test]
async fn message_of_a_dead_writer_is_queued_once_by_whoever_changes_it() {
    let (scene, queue) = scene().await;
    let (messenger, author) = (messenger(&scene, &queue), scene.author(ANNA));
    let [edited, reacted, pinned] = ["one", "two", "three"].map(|client_id| abandon_new(&scene, client_id));
    let (edited, reacted, pinned) = (edited.await, reacted.await, pinned.await);

    for _ in 0..2 {
        let content = domain::Content::parse("ho").unwrap();
        messaging::edit_message(&messenger, &author, &messaging::EditMessage { message: edited, content })
            .await
            .unwrap();
        let emoji = domain::Emoji::parse("👍").unwrap();
        let react = messaging::React { message: reacted, emoji, to: messaging::Reacted::There };
        messaging::react(&messenger, &author, react).await.unwrap();
        messaging::pin_message(&messenger, &author, pinned, messaging::Pinned::There).await.unwrap();
        scene.settle().await;
    }

    assert_eq!(jobs(&queue), [job("message", 1, 0), job("message", 2, 0), job("message", 3, 0)]);
}

#[tokio::test]
async fn deletion_of_a_message_whose_writer_died_is_no_news() {
    let (scene, queue) = scene().await;
    let id = abandon_new(&scene, "one").await;

    messaging::delete_message(&messenger(&scene, &queue), &scene.author(ANNA), id).await.unwrap();

    assert_eq!(jobs(&queue), [job("clear", 1, 5)]);
}

#[tokio::test]
async fn pushes_that_are_tried_again_are_no_news() {
    let (scene, queue) = scene().await;
    let messenger = messenger(&scene, &queue);
    scene.connect(BORA, "a").await;
    scene.pushed.fail(&["a"]);
    let id = say(&scene, &messenger, "one").await;
    assert_eq!(jobs(&queue).len(), 1);
    let rev = scene.find(id).await.message.rev;
    scene.mongo().messages().postpone(id, rev, crate::scene::long_ago()).await.unwrap();
    eventually(async || !scene.mongo().messages().list_owed(now(), 10).await.unwrap().is_empty()).await;

    sweep(&messenger, 10, now().plus(Duration::from_secs(5))).await.unwrap();

    assert_eq!(jobs(&queue), []);
}

#[tokio::test]
async fn reading_a_notified_message_clears_devices_once() {
    let (scene, queue) = scene().await;
    let messenger = messenger(&scene, &queue);
    for client_id in ["one", "two", "three"] {
        scene.send(ANNA, client_id, "hi").await.unwrap();
    }
    let states = scene.mongo().read_states();
    let claim = states.claim(ROOM, Seq(2), &[BORA], &[BORA], now()).await.unwrap();
    states.finish(&claim, now()).await.unwrap();

    for seq in [1, 2, 3] {
        mark_read(&messenger, MarkRead { room: ROOM, user: BORA, seq: Seq(seq) }, None).await.unwrap();
    }

    let [one] = &queue.all()[..] else { panic!("one job") };
    let body: Value = serde_json::from_str(&one.body).unwrap();
    assert_eq!(
        (&body["kind"], &body["seq"], &body["from"], &body["to"]),
        (&json!("clear"), &json!(2), &json!(2), &json!(2))
    );
    assert_eq!(one.delay, Duration::from_secs(5));
}

#[tokio::test]
async fn deleting_a_message_clears_it_from_devices() {
    let (scene, queue) = scene().await;
    let messenger = messenger(&scene, &queue);
    let id = scene.send(ANNA, "one", "hi").await.unwrap().message.id;

    for _ in 0..2 {
        messaging::delete_message(&messenger, &scene.author(ANNA), id).await.unwrap();
    }

    let [one] = &queue.bodies()[..] else { panic!("one job") };
    assert_eq!((&one["kind"], &one["id"], &one["seq"]), (&json!("clear"), &json!(id), &json!(1)));
}

#[tokio::test]
async fn having_devices_told_costs_the_store_nothing() {
    let (scene, queue) = scene().await;
    scene.send(ANNA, "warm", "hi").await.unwrap();
    let mut profile = Profile::of(&scene.database).await;
    say(&scene, &scene.messenger(), "without").await;
    let without = profile.count().await;

    say(&scene, &messenger(&scene, &queue), "with").await;

    assert_eq!((profile.count().await, queue.sends()), (without, 1));
}

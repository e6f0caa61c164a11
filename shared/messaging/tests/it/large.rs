//! Groups of many people, and rooms with many connections.

use crate::scene::{ANNA, BORA, EVE, GROUP, Scene, draft, eventually, long_ago, now};
use announce::{Audience, Event};
use contract::Frame;
use domain::{
    ConnectionId, Content, MessageDraft, MessageId, PageSize, Removal, Rev, RoomEvent, RoomKind, RoomNews, RoomNotice,
    Seq, System, SystemKind, UserId,
};
use messaging::{
    Author, EditMessage, MarkRead, Messenger, SyncRoom, edit_message, hide_message, list_gaps, mark_read, place_events,
    send_message, sweep, sync_room,
};
use mongodb::bson::{DateTime, Document, doc};
use queue::{FanoutJob, Jobs};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use testkit::{RecordedQueue, mongo::Profile};

/// A group of so many people, of whom everybody but Anna has a connection.
async fn crowd(number: i32) -> Scene {
    let scene = Scene::new().await;
    let others: Vec<_> = (10..10 + number - 1).map(UserId).collect();
    scene.group_of(1, &[&[ANNA], &others[..]].concat()).await;
    let at = |minutes| DateTime::from_millis(now().plus(Duration::from_mins(minutes)).millis());
    let socket = |user: &UserId| {
        let open = doc! {
            "id": format!("c{user}"), "session_id": "s", "locale": "en", "connected_at": at(0), "expires_at": at(9),
            "active_until": at(2),
        };
        doc! { "_id": user.0, "open": [open], "expires_at": at(9) }
    };
    let sockets: Vec<Document> = others.iter().map(socket).collect();
    scene.collection("sockets").await.insert_many(sockets).await.unwrap();
    // The first message of a person makes their gate.
    scene.send_in(GROUP, ANNA, "first", "first").await.unwrap();
    scene.pushed.all();
    scene
}

fn pushing_to(scene: &Scene, inline_connections: usize) -> Messenger {
    let messenger = scene.messenger();
    Messenger { announcer: messenger.announcer.clone().with_inline_connections(inline_connections), ..messenger }
}

/// The same with a queue for what concerns more connections.
fn queueing_above(scene: &Scene, inline_connections: usize, queue: &Arc<RecordedQueue>) -> Messenger {
    let messenger = pushing_to(scene, inline_connections);
    let queue: Jobs = queue.clone();
    Messenger { announcer: messenger.announcer.clone().with_fanout(Some(queue)), ..messenger }
}

/// Lets the time between two sweeps pass.
async fn wait_long(scene: &Scene, id: MessageId) {
    let at = long_ago();
    scene.mongo().messages().postpone(id, scene.find(id).await.message.rev, at).await.unwrap();
    eventually(async || scene.find(id).await.fanout.is_some_and(|fanout| fanout.at <= at)).await;
}

/// The jobs that a queue has taken since, and the connections that each frame is for.
fn queued(queue: &RecordedQueue) -> Vec<FanoutJob> {
    let jobs = queue.all();
    assert!(jobs.iter().all(|job| job.group.as_deref() == Some("group:7")), "no room delays another");
    jobs.iter().map(|job| FanoutJob::parse(&job.body).unwrap()).collect()
}

/// The name of the connection of each frame, sorted.
fn recipients<'a>(jobs: impl IntoIterator<Item = &'a FanoutJob>) -> Vec<&'a str> {
    let targets = jobs.into_iter().flat_map(|job| &job.frames).flat_map(|frame| &frame.connections);
    let mut names: Vec<_> = targets.map(|target| target.id.0.as_str()).collect();
    names.sort_unstable();
    names
}

/// The type of each frame.
fn types(jobs: &[FanoutJob]) -> BTreeSet<String> {
    let frames = jobs.iter().flat_map(|job| &job.frames);
    let frames = frames.map(|frame| serde_json::from_str::<Value>(&frame.text).unwrap());
    frames.map(|frame| frame["t"].as_str().unwrap().to_owned()).collect()
}

async fn say(scene: &Scene, messenger: &Messenger, client_id: &str) -> MessageId {
    let draft = MessageDraft { room: GROUP, ..draft(ANNA, client_id, "hi") };
    send_message(messenger, &scene.author(ANNA), &draft).await.unwrap().message.id
}

#[tokio::test]
async fn room_with_too_many_connections_is_left_to_sync() {
    let scene = Scene::new().await;
    scene.group_of(1, &[ANNA, BORA, EVE]).await;
    for (user, name) in [(BORA, "a"), (BORA, "b"), (EVE, "c")] {
        scene.connect(user, name).await;
    }

    let left = say(&scene, &pushing_to(&scene, 2), "left").await;
    assert_eq!(scene.pushed.count(), 0);
    scene.is_delivered(left).await;
    say(&scene, &pushing_to(&scene, 3), "pushed").await;
    assert_eq!(scene.pushed.connections(), ["a", "b", "c"]);

    let limit = PageSize::parse(None).unwrap();
    let query = SyncRoom { room: GROUP, user: EVE, after: Rev(0), limit, max_bytes: None };
    let page = sync_room(scene.mongo(), query).await.unwrap();
    assert_eq!(page.items.first().map(|item| item.id), Some(left));
}

#[tokio::test]
async fn sweep_does_not_try_a_room_with_too_many_connections_again() {
    let scene = Scene::new().await;
    scene.group_of(1, &[ANNA, BORA]).await;
    scene.connect(BORA, "a").await;
    scene.connect(BORA, "b").await;
    scene.pushed.fail(&["a", "b"]);
    let id = say(&scene, &scene.messenger(), "c").await;
    let rev = scene.find(id).await.message.rev;
    scene.mongo().messages().postpone(id, rev, now().minus(Duration::from_secs(6))).await.unwrap();
    // All of them failed, too many to be named.
    let unset = doc! { "$unset": { "fanout.failed": "" } };
    scene.collection("messages").await.update_many(doc! {}, unset).await.unwrap();

    sweep(&pushing_to(&scene, 1), 10, now().plus(Duration::from_secs(5))).await.unwrap();

    scene.is_delivered(id).await;
    assert_eq!(scene.pushed.count(), 0);
}

#[tokio::test]
async fn message_for_many_connections_is_queued_once_for_each() {
    let (scene, queue) = (crowd(301).await, Arc::default());
    let messenger = queueing_above(&scene, 200, &queue);

    let id = say(&scene, &messenger, "c").await;

    let jobs = queued(&queue);
    let mut names: Vec<_> = (10..310).map(|user| format!("c{user}")).collect();
    names.sort_unstable();
    assert_eq!(recipients(&jobs), names);
    assert!(jobs.iter().all(|job| job.frames.len() == 1 && job.frames[0].connections.len() <= 250));
    let lives = jobs.iter().map(|job| now().until(job.not_after));
    assert!(lives.clone().max() <= Some(Duration::from_secs(6)) && lives.min() >= Some(Duration::from_secs(1)));
    assert_eq!(types(&jobs), BTreeSet::from(["message.created".to_owned()]));
    assert_eq!(scene.pushed.count(), 0);
    scene.is_delivered(id).await;
}

#[tokio::test]
async fn connection_that_asked_and_people_who_left_get_no_job() {
    let scene = Scene::new().await;
    scene.group_of(1, &[ANNA, BORA, EVE]).await;
    for (user, name) in [(ANNA, "phone"), (ANNA, "laptop"), (BORA, "a"), (EVE, "b")] {
        scene.connect(user, name).await;
    }
    scene.group_of(2, &[ANNA, BORA]).await;
    let (queue, phone) = (Arc::default(), ConnectionId("phone".to_owned()));
    let author = Author { connection: Some(&phone), ..scene.author(ANNA) };
    let draft = MessageDraft { room: GROUP, ..draft(ANNA, "c", "hi") };

    send_message(&queueing_above(&scene, 1, &queue), &author, &draft).await.unwrap();

    assert_eq!(recipients(&queued(&queue)), ["a", "laptop"]);
}

#[tokio::test]
async fn jobs_of_a_hidden_message_skip_the_member_who_hid_it() {
    let scene = Scene::new().await;
    scene.group_of(1, &[ANNA, BORA, EVE]).await;
    for (user, name) in [(BORA, "a"), (BORA, "b"), (EVE, "c")] {
        scene.connect(user, name).await;
    }
    let queue = Arc::default();
    let messenger = queueing_above(&scene, 1, &queue);
    let message = say(&scene, &messenger, "c").await;
    hide_message(&messenger, EVE, message).await.unwrap();
    queue.all();

    let command = EditMessage { message, content: Content::parse("edited").unwrap() };
    edit_message(&messenger, &scene.author(ANNA), &command).await.unwrap();

    assert_eq!(recipients(&queued(&queue)), ["a", "b"]);
}

#[tokio::test]
async fn message_that_the_queue_refused_is_queued_by_the_sweep() {
    let (scene, queue) = (crowd(301).await, Arc::new(RecordedQueue::default()));
    let messenger = queueing_above(&scene, 200, &queue);
    queue.refuse(&[0]);
    let id = say(&scene, &messenger, "c").await;
    eventually(async || scene.find(id).await.fanout.is_some_and(|fanout| fanout.released)).await;
    let stored = scene.find(id).await;
    let (fanout, rev) = (stored.fanout.unwrap(), stored.message.rev);
    assert_eq!((fanout.tries, fanout.failed), (0, None));
    queue.refuse(&[]);
    queue.all();
    wait_long(&scene, id).await;
    // Who left since is told nothing any more.
    let rest: Vec<_> = (10..309).map(UserId).collect();
    scene.group_of(2, &[&[ANNA], &rest[..]].concat()).await;

    sweep(&messenger, 10, now().plus(Duration::from_secs(5))).await.unwrap();

    let jobs = queued(&queue);
    assert_eq!(recipients(&jobs).len(), 299);
    assert!(!recipients(&jobs).contains(&"c309"));
    scene.is_delivered(id).await;
    assert_eq!(scene.find(id).await.message.rev, rev, "no position was taken");
}

#[tokio::test]
async fn queue_that_is_away_is_left_to_sync_after_three_tries() {
    let (scene, queue) = (crowd(31).await, Arc::new(RecordedQueue::default()));
    let messenger = queueing_above(&scene, 20, &queue);
    queue.go_away();
    let id = say(&scene, &messenger, "c").await;
    for tries in 0..3 {
        eventually(async || scene.find(id).await.fanout.is_some_and(|fanout| fanout.tries == tries)).await;
        wait_long(&scene, id).await;
        sweep(&messenger, 10, now().plus(Duration::from_secs(5))).await.unwrap();
    }

    scene.is_delivered(id).await;
    assert_eq!(queue.sends(), 4);
}

#[tokio::test]
async fn change_of_a_large_group_is_queued_with_its_system_message() {
    let (scene, queue) = (crowd(31).await, Arc::default());
    let system =
        System { kind: SystemKind::MemberJoined, user: Some(UserId(12)), by: UserId(12), role: None, name: None };
    let event = RoomEvent { id: 1, room: GROUP.id, system, at: now() };

    place_events(&queueing_above(&scene, 20, &queue), GROUP.id, &[event]).await.unwrap();

    let jobs = queued(&queue);
    assert_eq!(types(&jobs), BTreeSet::from(["member.changed".to_owned(), "message.created".to_owned()]));
    // Who came hears of it apart.
    assert_eq!(recipients(&jobs).iter().filter(|name| **name == "c12").count(), 1);
    assert_eq!(recipients(&jobs).len(), 30 + 29);
}

#[tokio::test]
async fn events_for_many_connections_are_queued() {
    let (scene, queue) = (crowd(301).await, Arc::default());
    let removed = |user| {
        let notice = RoomNotice { to: user, room: GROUP.id, by: ANNA, news: RoomNews::Removed(Removal::Closed) };
        Event {
            audience: Audience { people: vec![user], except: None },
            frame: Frame::of_room_notice(notice, Some(user.0.into())),
        }
    };
    let events = (10..310).map(|user| removed(UserId(user))).collect();

    queueing_above(&scene, 200, &queue).announcer.announce(events).await;

    let jobs = queued(&queue);
    assert!(jobs.len() <= 4, "{}", jobs.len());
    let frames: Vec<_> = jobs.iter().flat_map(|job| &job.frames).collect();
    assert_eq!(frames.len(), 300);
    for frame in frames {
        let told: Value = serde_json::from_str(&frame.text).unwrap();
        let [target] = &frame.connections[..] else { panic!("{frame:?}") };
        assert_eq!((&told["t"], &told["d"]["user_rev"]), (&json!("room.removed"), &json!(target.user.0)));
    }
}

#[tokio::test]
async fn large_group_costs_as_many_commands_as_a_small_one() {
    let mut costs = Vec::new();
    for size in [2, 100, 1_000] {
        let scene = crowd(size).await;
        let (mongo, someone) = (scene.mongo(), UserId(10));
        let mut profile = Profile::of(&scene.database).await;
        let mut cost = Vec::new();

        let queue = Arc::new(RecordedQueue::default());
        say(&scene, &queueing_above(&scene, 200, &queue), "c").await;
        let mut notes = profile.fresh().await;
        if size == 1_000 {
            assert_eq!(queue.sends(), 4);
            // What is read to queue it comes after the answer.
            let clearing = notes.pop();
            notes.truncate(notes.len() - 4);
            notes.extend(clearing);
        }
        let read = notes.iter().filter(|note| note.get_str("ns").unwrap().ends_with(".sockets"));
        let examined = read.map(|note| note.get_i32("docsExamined").unwrap()).max();
        assert!(examined.unwrap() <= 201, "{examined:?} of {size}");
        cost.push(notes.len());
        let system = System { kind: SystemKind::MemberLeft, user: Some(EVE), by: EVE, role: None, name: None };
        let event = RoomEvent { id: 1, room: GROUP.id, system, at: now() };
        place_events(&scene.messenger(), GROUP.id, &[event]).await.unwrap();
        cost.push(profile.count().await);
        list_gaps(mongo, someone, &BTreeMap::from([(GROUP, Rev(0))]), 200).await.unwrap();
        cost.push(profile.count().await);
        let unread = mongo.rooms().list_unread(someone, None, PageSize::LARGEST).await.unwrap();
        assert_eq!(unread.items[0].unread, 2);
        cost.push(profile.count().await);
        mongo.rooms().list(someone, RoomKind::Group, None, PageSize::LARGEST).await.unwrap();
        cost.push(profile.count().await);
        scene.mongo().rooms().find_rights(GROUP, someone).await.unwrap().unwrap();
        cost.push(profile.count().await);
        costs.push(cost);
    }

    assert_eq!((&costs[1], &costs[2]), (&costs[0], &costs[0]));
    assert_eq!(costs[0][..4], [7, 7, 1, 2]);
}

#[tokio::test]
async fn receipts_of_a_group_reach_those_who_see_it_up_to_50_members() {
    for (size, told) in [(50, 25), (51, 0)] {
        let scene = crowd(size).await;
        // 25 people have it open.
        let open = doc! { "$set": { "open.0.viewing": GROUP.to_string() } };
        scene.collection("sockets").await.update_many(doc! { "_id": { "$lt": 35 } }, open).await.unwrap();

        let command = MarkRead { room: GROUP, user: ANNA, seq: Seq(1) };
        mark_read(&scene.messenger(), command, None).await.unwrap();

        assert_eq!(scene.pushed.count(), told, "{size}");
    }
}

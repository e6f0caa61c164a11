//! Groups of many people, and rooms with many connections.

use crate::scene::{ANNA, BORA, EVE, GROUP, Scene, draft, now};
use domain::{Access, Member, MessageDraft, PageSize, Rev, Role, RoomEvent, RoomKind, Seq, System, SystemKind, UserId};
use messaging::{MarkRead, Messenger, SyncRoom, list_gaps, mark_read, place_events, send_message, sweep, sync_room};
use mongodb::bson::{DateTime, Document, doc};
use std::{collections::BTreeMap, time::Duration};
use testkit::mongo::Profile;

/// A group of so many people, of whom everybody but Anna has a connection.
async fn crowd(number: i32) -> Scene {
    let scene = Scene::new().await;
    let others: Vec<_> = (10..10 + number - 1).map(UserId).collect();
    open(&scene, 1, &[&[ANNA], &others[..]].concat()).await;
    let at = |minutes| DateTime::from_millis(now().plus(Duration::from_mins(minutes)).millis());
    let socket = |user: &UserId| {
        let open = doc! {
            "id": format!("c{user}"), "session_id": "s", "locale": "en", "connected_at": at(0), "expires_at": at(9),
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

async fn open(scene: &Scene, version: i64, users: &[UserId]) {
    let members = users.iter().map(|user| Member { user: *user, role: Role::Member }).collect();
    scene.project(&Access { room: GROUP, version, members, blocked: false }).await;
}

fn pushing_to(scene: &Scene, inline_connections: usize) -> Messenger {
    let messenger = scene.messenger();
    Messenger { announcer: messenger.announcer.clone().with_inline_connections(inline_connections), ..messenger }
}

async fn say(scene: &Scene, messenger: &Messenger, client_id: &str) -> domain::MessageId {
    let draft = MessageDraft { room: GROUP, ..draft(ANNA, client_id, "hi") };
    send_message(messenger, &scene.author(ANNA), &draft).await.unwrap().message.id
}

#[tokio::test]
async fn room_with_too_many_connections_is_left_to_sync() {
    let scene = Scene::new().await;
    open(&scene, 1, &[ANNA, BORA, EVE]).await;
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
    open(&scene, 1, &[ANNA, BORA]).await;
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
async fn large_group_costs_as_many_commands_as_a_small_one() {
    let mut costs = Vec::new();
    for size in [2, 100, 1_000] {
        let scene = crowd(size).await;
        let (mongo, someone) = (scene.mongo(), UserId(10));
        let mut profile = Profile::of(&scene.database).await;
        let mut cost = Vec::new();

        say(&scene, &scene.messenger(), "c").await;
        let notes = profile.fresh().await;
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
async fn nobody_is_told_of_receipts_in_a_group_of_more_than_50() {
    for (size, told) in [(50, 49), (51, 0)] {
        let scene = crowd(size).await;

        let command = MarkRead { room: GROUP, user: ANNA, seq: Seq(1) };
        mark_read(&scene.messenger(), command, None).await.unwrap();

        assert_eq!(scene.pushed.count(), told, "{size}");
    }
}

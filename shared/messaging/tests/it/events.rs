//! Changes of a group, as system messages in its order.

use crate::scene::{ANNA, BORA, EVE, GROUP, Scene, draft, eventually, long_ago, now, refusal};
use domain::{
    Code, Content, MessageDraft, MessageType, PageSize, Role, RoomEvent, RoomKind, System, SystemKind, Timestamp,
    UserId,
};
use futures_util::future::{join_all, try_join_all};
use messaging::{EditMessage, place_events, send_message, sweep};
use mongo::{Anchor, Inserted, Messages, Placement, Stored};
use serde_json::{Value, json};
use std::{ops::RangeInclusive, time::Duration};
use testkit::mongo::Profile;

async fn scene() -> Scene {
    let scene = Scene::new().await;
    scene.group_of(1, &[ANNA, BORA]).await;
    scene
}

fn event(id: i64, kind: SystemKind, user: Option<UserId>) -> RoomEvent {
    let system = System { kind, user, by: ANNA, role: None, name: None };
    RoomEvent { id, room: GROUP.id, system, at: Timestamp::from_millis(1_790_000_000_000) }
}

/// So many people who joined.
fn joins(number: i64) -> Vec<RoomEvent> {
    (1..=number).map(|id| event(id, SystemKind::MemberJoined, Some(BORA))).collect()
}

/// The numbers of the changes that are in the room, in its order.
async fn placed(scene: &Scene) -> Vec<String> {
    rows(scene).await.into_iter().map(|row| row.message.client_id).collect()
}

async fn rows(scene: &Scene) -> Vec<Stored> {
    let window = scene.mongo().rooms().list_messages(GROUP, ANNA, Anchor::Newest, 100).await.unwrap().unwrap();
    window.rows
}

fn names(ids: RangeInclusive<i64>) -> Vec<String> {
    ids.map(|id| format!("event {id}")).collect()
}

#[tokio::test]
async fn a_change_is_a_message_of_whoever_made_it() {
    let scene = scene().await;
    scene.connect(BORA, "tablet").await;
    let mut renamed = event(7, SystemKind::RoomUpdated, None);
    renamed.system.name = Some("등산 모임".to_owned());

    place_events(&scene.messenger(), GROUP.id, &[renamed.clone()]).await.unwrap();

    let (connection, frame) = scene.pushed.next();
    assert_eq!((connection.as_str(), &frame["t"], &frame["rev"]), ("tablet", &"message.created".into(), &1.into()));
    let system = &frame["d"]["system"];
    assert_eq!((&system["kind"], &system["name"]), (&"room_updated".into(), &"등산 모임".into()));
    assert!(system["text"]["ko"].is_string() && system["text"]["en"].is_string());
    assert_eq!((&frame["d"]["content"], &frame["d"]["user_id"]), (&"".into(), &ANNA.0.into()));
    let (connection, frame) = scene.pushed.next();
    let beside = json!({"t": "room.updated", "room": "group:7", "d": {"name": "등산 모임", "by": ANNA}});
    assert_eq!((connection.as_str(), frame), ("tablet", beside));
    let message = rows(&scene).await.remove(0).message;
    assert_eq!((message.system, message.message_type), (Some(renamed.system), MessageType::System));
    assert_eq!((message.user, message.created_at), (ANNA, renamed.at));
}

#[tokio::test]
async fn twenty_requests_place_each_change_once_and_in_order() {
    let scene = scene().await;
    let events = joins(10);
    let environments = scene.environments(20).await;
    let each = environments.iter().zip(0..).map(|(mongo, n)| {
        let (messenger, events) = (scene.messenger_of(mongo), &events);
        // Some found fewer changes waiting than others.
        async move { place_events(&messenger, GROUP.id, &events[n % 5..]).await }
    });
    // Nobody begins with a change whose predecessors may be missing.
    place_events(&scene.messenger(), GROUP.id, &events[..5]).await.unwrap();

    try_join_all(each).await.unwrap();

    assert_eq!(placed(&scene).await, names(1..=10));
    eventually(async || rows(&scene).await.iter().all(|row| row.fanout.is_none())).await;
}

#[tokio::test]
async fn changes_of_members_are_told_to_the_other_members_only() {
    let scene = scene().await;
    scene.connect(ANNA, "anna").await;
    scene.connect(BORA, "bora").await;
    let mut event = event(1, SystemKind::RoleChanged, Some(BORA));
    event.system.role = Some(Role::Admin);

    place_events(&scene.messenger(), GROUP.id, &[event.clone()]).await.unwrap();
    event = RoomEvent { id: 2, system: System { kind: SystemKind::OwnerChanged, ..event.system }, ..event };
    place_events(&scene.messenger(), GROUP.id, &[event.clone()]).await.unwrap();
    event = RoomEvent {
        id: 3,
        system: System { kind: SystemKind::MemberKicked, user: Some(EVE), ..event.system },
        ..event
    };
    place_events(&scene.messenger(), GROUP.id, &[event]).await.unwrap();

    let changes = |name: &str| {
        let frames = scene.pushed.frames(name).into_iter().filter(|frame| frame["t"] == "member.changed");
        frames.map(|frame| (frame["d"]["user_id"].clone(), frame["d"]["role"].clone())).collect::<Vec<_>>()
    };
    let change = |user: UserId, role: Option<Role>| (json!(user), json!(role));
    assert_eq!(changes("anna"), [change(BORA, Some(Role::Admin)), change(BORA, Some(Role::Owner)), change(EVE, None)]);
    assert_eq!(changes("bora"), [change(ANNA, Some(Role::Admin)), change(EVE, None)]);
}

#[tokio::test]
async fn repeated_change_is_neither_moved_nor_pushed_again() {
    let scene = scene().await;
    scene.connect(BORA, "tablet").await;
    place_events(&scene.messenger(), GROUP.id, &joins(2)).await.unwrap();
    let before = scene.pushed.count();

    place_events(&scene.messenger(), GROUP.id, &joins(3)).await.unwrap();

    assert_eq!(placed(&scene).await, names(1..=3));
    let revs: Vec<_> = rows(&scene).await.iter().map(|row| row.message.rev.0).collect();
    assert_eq!(revs, [1, 2, 3]);
    assert_eq!(scene.pushed.count() * 2, before * 3);
}

/// Where a request dies.
#[derive(Debug, Clone, Copy)]
enum DeathAfter {
    Reserving,
    Writing,
    Releasing,
    Noting,
}

/// Does what placing does, up to a death.
async fn die(scene: &Scene, event: &RoomEvent, death: DeathAfter, at: Timestamp) {
    let (mongo, id) = (scene.mongo(), Messages::new_id());
    let reservation = mongo.rooms().reserve(GROUP, None, Placement::New(id)).await.unwrap().unwrap();
    if matches!(death, DeathAfter::Reserving) {
        return;
    }
    let mut causal = mongo.causal().await.unwrap();
    let written = mongo.messages().insert_event(&mut causal, id, event, &reservation, at).await.unwrap();
    let Inserted::Done(message) = written else { unreachable!("it is the first") };
    if matches!(death, DeathAfter::Writing) {
        return;
    }
    assert!(mongo.rooms().release(GROUP, &reservation).await.unwrap());
    if matches!(death, DeathAfter::Noting) {
        mongo.messages().note_released(message.id, message.rev).await.unwrap();
    }
}

#[tokio::test]
async fn change_whose_request_died_anywhere_is_placed_once_and_in_order() {
    for death in [DeathAfter::Reserving, DeathAfter::Writing, DeathAfter::Releasing, DeathAfter::Noting] {
        for at in [now(), long_ago()] {
            let scene = scene().await;
            let events = joins(3);
            place_events(&scene.messenger(), GROUP.id, &events[..1]).await.unwrap();
            die(&scene, &events[1], death, at).await;

            let environments = scene.environments(4).await;
            let messengers: Vec<_> = environments.iter().map(|mongo| scene.messenger_of(mongo)).collect();
            let each = messengers.iter().map(|messenger| place_events(messenger, GROUP.id, &events));
            try_join_all(each).await.unwrap();

            assert_eq!(placed(&scene).await, names(1..=3), "{death:?}");
            let is_released = |row: &Stored| row.fanout.as_ref().is_none_or(|fanout| fanout.released);
            eventually(async || rows(&scene).await.iter().all(is_released)).await;
        }
    }
}

#[tokio::test]
async fn change_that_readers_may_have_passed_is_moved_above_them() {
    let scene = scene().await;
    let events = joins(1);
    die(&scene, &events[0], DeathAfter::Writing, long_ago()).await;
    // Somebody else's message, and a reader who is beyond both.
    place_events(&scene.messenger(), GROUP.id, &[event(2, SystemKind::MemberLeft, Some(EVE))]).await.unwrap();

    place_events(&scene.messenger(), GROUP.id, &events).await.unwrap();

    let first = rows(&scene).await.remove(0).message;
    assert_eq!((first.seq.0, first.rev.0), (1, 3));
}

#[tokio::test]
async fn sweep_delivers_a_change_that_nobody_repeats() {
    let scene = scene().await;
    scene.connect(BORA, "tablet").await;
    die(&scene, &joins(1)[0], DeathAfter::Writing, long_ago()).await;

    let swept = sweep(&scene.messenger(), 10, now().plus(Duration::from_secs(5))).await.unwrap();

    assert_eq!(swept.delivered, 1);
    assert_eq!(scene.pushed.next().1["d"]["system"]["kind"], "member_joined");
}

#[tokio::test]
async fn closed_group_takes_its_last_changes_and_nobody_hears_of_them() {
    let scene = scene().await;
    scene.connect(BORA, "tablet").await;
    scene.group_of(2, &[]).await;

    place_events(&scene.messenger(), GROUP.id, &joins(1)).await.unwrap();

    assert_eq!(scene.pushed.count(), 0);
    let found = scene.mongo().messages().list_of_events(GROUP.id, &joins(1)).await.unwrap();
    assert_eq!(found.len(), 1);
}

#[tokio::test]
async fn event_of_an_unprojected_group_is_to_be_tried_again() {
    let scene = Scene::new().await;

    let placing = place_events(&scene.messenger(), GROUP.id, &joins(1)).await;

    assert_eq!(refusal(placing), Code::Unavailable);
}

#[tokio::test]
async fn nobody_edits_or_deletes_a_change() {
    let scene = scene().await;
    place_events(&scene.messenger(), GROUP.id, &joins(1)).await.unwrap();
    let id = rows(&scene).await.remove(0).message.id;

    for (user, code) in [(ANNA, Code::SystemMessage), (BORA, Code::SystemMessage), (EVE, Code::MessageNotFound)] {
        assert_eq!(refusal(scene.delete(user, id).await), code);
        let command = EditMessage { message: id, content: Content::parse("hi").unwrap() };
        let edited = messaging::edit_message(&scene.messenger(), &scene.author(user), &command).await;
        assert_eq!(refusal(edited), code);
    }
}

#[tokio::test]
async fn reply_to_a_change_quotes_no_text() {
    let scene = scene().await;
    place_events(&scene.messenger(), GROUP.id, &joins(1)).await.unwrap();
    let id = rows(&scene).await.remove(0).message.id;

    let reply = scene.reply_in(GROUP, BORA, "c", "welcome", id).await.message;

    let quote = reply.quote.unwrap();
    assert_eq!((quote.content.as_str(), quote.user_id, quote.is_deleted), ("", ANNA, false));
}

#[tokio::test]
async fn a_change_does_not_count_as_unread() {
    let scene = scene().await;
    let unread = async || {
        let mongo = scene.mongo();
        let listed = mongo.rooms().list(BORA, RoomKind::Group, None, PageSize::LARGEST).await.unwrap();
        let unread = mongo.rooms().list_unread(BORA, None, PageSize::LARGEST).await.unwrap();
        (listed.rooms.items[0].unread, unread.items.iter().map(|room| room.unread).sum::<i32>())
    };
    place_events(&scene.messenger(), GROUP.id, &joins(1)).await.unwrap();
    assert_eq!(unread().await, (0, 0));
    scene.send_in(GROUP, ANNA, "c", "hi").await.unwrap();
    place_events(&scene.messenger(), GROUP.id, &joins(3)).await.unwrap();
    assert_eq!(unread().await, (1, 1));
}

#[tokio::test]
async fn a_change_is_seven_commands_and_one_that_stands_is_one() {
    let scene = scene().await;
    scene.connect(BORA, "tablet").await;
    let mut profile = Profile::of(&scene.database).await;

    place_events(&scene.messenger(), GROUP.id, &joins(1)).await.unwrap();
    // What is placed; reserve; write; release and whom to tell; that it is placed; that it was delivered.
    assert_eq!(profile.count().await, 7);
    scene.is_delivered(rows(&scene).await.remove(0).message.id).await;
    profile.count().await;
    place_events(&scene.messenger(), GROUP.id, &joins(1)).await.unwrap();
    assert_eq!(profile.count().await, 1);
    place_events(&scene.messenger(), GROUP.id, &[]).await.unwrap();
    assert_eq!(profile.count().await, 0);
}

#[tokio::test]
async fn nothing_that_began_after_a_kick_reaches_the_kicked() {
    let scene = scene().await;
    scene.group_of(2, &[ANNA, BORA, EVE]).await;
    scene.connect(EVE, "eve").await;
    let environments = scene.environments(5).await;
    let messengers: Vec<_> = environments.iter().map(|mongo| scene.messenger_of(mongo)).collect();
    let send = async |n: usize, name: String| {
        let draft = MessageDraft { room: GROUP, ..draft(ANNA, &name, &name) };
        send_message(&messengers[n % 5], &scene.author(ANNA), &draft).await.unwrap();
    };
    let before = join_all((0..20).map(|n| send(n, format!("before{n}"))));
    let kick = async {
        scene.group_of(3, &[ANNA, BORA]).await;
        place_events(&scene.messenger(), GROUP.id, &[event(1, SystemKind::MemberKicked, Some(EVE))]).await.unwrap();
        // From here on it is answered.
        join_all((0..20).map(|n| send(n, format!("after{n}")))).await;
    };

    tokio::join!(before, kick);

    let told = scene.pushed.frames("eve");
    let late = |frame: &&Value| {
        frame["d"]["system"].is_object() || frame["d"]["content"].as_str().is_none_or(|it| it.starts_with("after"))
    };
    assert_eq!(told.iter().filter(late).count(), 0, "{told:?}");
}

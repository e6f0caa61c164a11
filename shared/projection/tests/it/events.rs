//! Changes of groups: rights first, then their system messages, once each and in order.

use crate::stores::{NOON, Stores, join};
use announce::Announcer;
use background::Background;
use domain::{
    Aggregate, Code, ConnectionId, Fault, GroupName, Locale, MaxMembers, Membership, MembershipState, Message, Removal,
    Role, RoomId, RoomKey, RoomNews, RoomNotice, SessionId, System, SystemKind, UserId,
};
use mongo::{Anchor, Connection, Mongo};
use mongodb::{
    Client,
    bson::{Document, doc},
};
use mysql::{NewGroup, Tx};
use projection::{Changed, Projector};
use std::{sync::Arc, time::Duration};
use testkit::pushing::Recorder;
use tokio::task::JoinSet;

fn membership(user: UserId, role: Role, state: MembershipState) -> Membership {
    Membership { user, role, state, joined_at: NOON }
}

fn system(kind: SystemKind, user: UserId, by: UserId) -> System {
    System { kind, user: Some(user), by, role: None, name: None }
}

/// A group of one.
async fn make(tx: &mut Tx, by: UserId) -> Result<Changed<RoomId>, Fault> {
    let (name, max_members, wide_mentions) =
        (GroupName::parse("등산 모임").unwrap(), MaxMembers::default(), domain::WideMentions::Admins);
    let new =
        NewGroup { name, description: None, is_private: true, max_members, wide_mentions, members: 1, by, at: NOON };
    let room = tx.groups().insert(&new).await?;
    tx.members().insert(room, &[membership(by, Role::Owner, MembershipState::Active)], NOON).await?;
    let made =
        System { kind: SystemKind::RoomCreated, user: None, by, role: None, name: Some("등산 모임".to_owned()) };
    finish(tx, room, made).await
}

async fn enter(tx: &mut Tx, (room, user): (RoomId, UserId)) -> Result<Changed<RoomId>, Fault> {
    tx.groups().lock(room).await?;
    tx.members().insert(room, &[membership(user, Role::Member, MembershipState::Active)], NOON).await?;
    tx.groups().raise_version(room, 1).await?;
    finish(tx, room, system(SystemKind::MemberJoined, user, user)).await
}

async fn kick(tx: &mut Tx, (room, user, by): (RoomId, UserId, UserId)) -> Result<Changed<RoomId>, Fault> {
    tx.users().lock_pair([user, by]).await?;
    tx.groups().lock(room).await?;
    tx.members().update(room, &membership(user, Role::Member, MembershipState::Kicked), NOON).await?;
    tx.groups().raise_version(room, -1).await?;
    tx.users().raise_versions(&[user]).await?;
    tx.outbox().insert(&[Aggregate::Person(user)], NOON).await?;
    let mut changed = finish(tx, room, system(SystemKind::MemberKicked, user, by)).await?;
    changed.touched.push(Aggregate::Person(user));
    let news = RoomNews::Removed(Removal::Kicked);
    Ok(Changed { room_notices: vec![RoomNotice { to: user, room, by, news }], ..changed })
}

async fn finish(tx: &mut Tx, room: RoomId, happened: System) -> Result<Changed<RoomId>, Fault> {
    tx.room_events().insert(room, &[happened], NOON).await?;
    tx.outbox().insert(&[Aggregate::GroupRoom(room)], NOON).await?;
    Ok(Changed::quietly(vec![Aggregate::GroupRoom(room)], room))
}

/// The messages of a group in its order, as one of its members reads them.
async fn messages(stores: &Stores, room: RoomId) -> Vec<Message> {
    let rooms = stores.projector.mongo.rooms();
    let window = rooms.list_messages(RoomKey::group(room), stores.pair[0], Anchor::Newest, 100).await.unwrap();
    window.unwrap().rows.into_iter().map(|row| row.message).collect()
}

fn kinds(messages: &[Message]) -> Vec<SystemKind> {
    messages.iter().filter_map(|message| message.system.as_ref()).map(|system| system.kind).collect()
}

/// The numbers of the changes that are waiting for a group.
async fn waiting_events(stores: &Stores, room: RoomId) -> usize {
    stores.mysql().groups().find_snapshot(room).await.unwrap().unwrap().events.len()
}

/// Another environment of the same function.
async fn environment(stores: &Stores) -> Projector {
    Projector { mongo: Mongo::connect(&stores.mongo.url).await.unwrap(), ..stores.projector.clone() }
}

/// Refuses every system message, or none.
async fn refuse(stores: &Stores, validator: Document) {
    let client = Client::with_uri_str(&stores.mongo.url).await.unwrap();
    let change = doc! { "collMod": "messages", "validator": validator };
    client.default_database().unwrap().run_command(change).await.unwrap();
}

#[tokio::test]
async fn change_is_answered_with_its_system_message_in_place() {
    let stores = Stores::new().await;
    let [owner, other] = stores.pair;

    let room = stores.projector.change(owner, make).await.unwrap();
    stores.projector.change((room, other), enter).await.unwrap();

    let messages = messages(&stores, room).await;
    assert_eq!(kinds(&messages), [SystemKind::RoomCreated, SystemKind::MemberJoined]);
    assert_eq!((messages[0].user, messages[1].user), (owner, other));
    assert_eq!((waiting_events(&stores, room).await, stores.waiting().await), (0, 0));
}

#[tokio::test]
async fn twenty_at_once_are_placed_once_each_and_in_the_order_of_the_changes() {
    let stores = Stores::new().await;
    let room = stores.projector.change(stores.pair[0], make).await.unwrap();
    let mut joining = JoinSet::new();
    for n in 0..20 {
        let (user, projector) = (join(stores.mysql(), &format!("person{n}")).await, environment(&stores).await);
        joining.spawn(async move { projector.change((room, user), enter).await });
    }
    while let Some(joined) = joining.join_next().await {
        joined.unwrap().unwrap();
    }

    let messages = messages(&stores, room).await;
    let numbers: Vec<i64> =
        messages.iter().map(|message| message.client_id.strip_prefix("event ").unwrap().parse().unwrap()).collect();
    assert_eq!(numbers.len(), 21);
    assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
    assert_eq!((waiting_events(&stores, room).await, stores.waiting().await), (0, 0));
}

#[tokio::test]
async fn refused_event_keeps_its_rights_and_is_placed_by_relay() {
    let stores = Stores::new().await;
    let [owner, other] = stores.pair;
    let room = stores.projector.change(owner, make).await.unwrap();
    refuse(&stores, doc! { "message_type": { "$ne": "system" } }).await;

    let fault = stores.projector.change((room, other), enter).await.unwrap_err();

    assert_eq!(fault.code, Code::Unavailable);
    let rights = stores.projector.mongo.rooms().find_rights(RoomKey::group(room), other).await.unwrap();
    assert!(rights.is_some());
    assert_eq!((waiting_events(&stores, room).await, stores.waiting().await), (1, 1));
    refuse(&stores, doc! {}).await;
    let relayed = stores.projector.relay(NOON.plus(Duration::from_mins(1))).await.unwrap();
    assert_eq!(relayed.projected, 1);
    assert_eq!(kinds(&messages(&stores, room).await), [SystemKind::RoomCreated, SystemKind::MemberJoined]);
}

#[tokio::test]
async fn change_that_died_at_its_commit_is_placed_before_the_next_one() {
    let stores = Stores::new().await;
    let [owner, other] = stores.pair;
    let room = stores.projector.change(owner, make).await.unwrap();
    stores.mysql().transact((room, other), enter).await.unwrap();

    stores.projector.change((room, other, owner), kick).await.unwrap();
    stores.projector.project(Aggregate::GroupRoom(room)).await.unwrap();

    let kinds = kinds(&messages(&stores, room).await);
    assert_eq!(kinds, [SystemKind::RoomCreated, SystemKind::MemberJoined, SystemKind::MemberKicked]);
}

#[tokio::test]
async fn change_that_is_placed_and_not_forgotten_stands_as_it_is() {
    let stores = Stores::new().await;
    let [owner, other] = stores.pair;
    let room = stores.mysql().transact(owner, make).await.unwrap().answer;
    let events = stores.mysql().groups().find_snapshot(room).await.unwrap().unwrap().events;
    stores.projector.project(Aggregate::GroupRoom(room)).await.unwrap();
    let before = messages(&stores, room).await;
    // As if its request had died before it forgot the change.
    let id = events[0].id;
    testkit::mysql::execute(
        &stores.mysql.url,
        &format!(
            "INSERT INTO group_room_events (id, group_room_id, kind, actor_id, name, created_at)
             VALUES ({id}, {room}, 'room_created', {owner}, 'x', NOW(3))"
        ),
    )
    .await;

    stores.projector.change((room, other), enter).await.unwrap();

    let after = messages(&stores, room).await;
    assert_eq!((after.len(), &after[0]), (2, &before[0]));
    assert_eq!(waiting_events(&stores, room).await, 0);
}

#[tokio::test]
async fn removed_person_is_told_with_their_version_and_hears_no_more() {
    let stores = Stores::new().await;
    let [owner, other] = stores.pair;
    let pushed = Arc::new(Recorder::default());
    let mongo = stores.projector.mongo.clone();
    let announcer = Announcer::new(mongo.clone(), pushed.clone(), stores.projector.clock, Background::inline());
    let projector = Projector { announcer, ..stores.projector.clone() };
    let room = projector.change(owner, make).await.unwrap();
    projector.change((room, other), enter).await.unwrap();
    for user in [owner, other] {
        let (id, session) = (ConnectionId(user.to_string()), SessionId("s".to_owned()));
        let connection =
            Connection { id, user, session, locale: Locale::En, connected_at: NOON, active_until: NOON, viewing: None };
        mongo.connections().insert(&connection).await.unwrap();
    }
    pushed.all();

    projector.change((room, other, owner), kick).await.unwrap();

    let frames = |user: UserId| pushed.frames(&user.to_string());
    let told = frames(other);
    let version = stores.person(other).await.unwrap().version;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!((&told[0]["t"], &told[0]["room"]), (&"room.removed".into(), &format!("group:{room}").into()));
    assert_eq!((&told[0]["d"]["reason"], &told[0]["d"]["user_rev"]), (&"kicked".into(), &version.into()));
    let told: Vec<_> = frames(owner).into_iter().map(|frame| frame["t"].clone()).collect();
    assert_eq!(told, ["message.created", "member.changed"]);
}

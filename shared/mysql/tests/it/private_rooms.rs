use crate::people::{NOON, block, deactivate, join_all};
use domain::{Aggregate, Code, Fault, Role, RoomId, RoomKey, UserId};
use mysql::Tx;
use std::collections::HashSet;
use testkit::mysql::Database;
use tokio::task::JoinSet;

async fn find_or_open(tx: &mut Tx, pair: [UserId; 2]) -> Result<RoomId, Fault> {
    tx.users().lock_active_pair(pair).await?;
    if let Some(room) = tx.private_rooms().find_by_pair(pair).await? {
        return Ok(room);
    }
    let room = tx.private_rooms().insert(pair, NOON).await?;
    tx.outbox().insert(&[Aggregate::PrivateRoom(room)], NOON).await?;
    Ok(room)
}

async fn open(tx: &mut Tx, pair: [UserId; 2]) -> Result<RoomId, Fault> {
    tx.private_rooms().insert(pair, NOON).await
}

async fn change(tx: &mut Tx, id: RoomId) -> Result<bool, Fault> {
    tx.private_rooms().lock(id).await
}

#[tokio::test]
async fn twenty_concurrent_openings_make_one_room() {
    let database = Database::new().await;
    let [a, b] = join_all(&database.mysql, ["aa", "bb"]).await;
    let mut attempts = JoinSet::new();
    for n in 0..20 {
        let mysql = database.mysql.clone();
        let pair = if n % 2 == 0 { [a, b] } else { [b, a] };
        attempts.spawn(async move { mysql.transact(pair, find_or_open).await });
    }

    let rooms: HashSet<_> = attempts.join_all().await.into_iter().map(Result::unwrap).collect();

    assert_eq!(rooms.len(), 1);
    assert_eq!(database.mysql.outbox().count().await.unwrap(), 1);
}

#[tokio::test]
async fn second_room_of_a_pair_is_refused_without_locks() {
    let database = Database::new().await;
    let [a, b] = join_all(&database.mysql, ["aa", "bb"]).await;
    database.mysql.transact([a, b], open).await.unwrap();

    assert_eq!(database.mysql.transact([b, a], open).await.unwrap_err().code, Code::Internal);
}

#[tokio::test]
async fn room_shows_both_people() {
    let database = Database::new().await;
    let [a, b] = join_all(&database.mysql, ["aa", "bb"]).await;
    let id = database.mysql.transact([b, a], find_or_open).await.unwrap();

    let room = database.mysql.private_rooms().find(id, b).await.unwrap().unwrap();

    assert_eq!(room.participants.each_ref().map(|person| person.profile.username.as_str()), ["aa", "bb"]);
    assert_eq!(room.participants.each_ref().map(|person| person.is_available), [true, true]);
    assert_eq!((room.created_at, room.updated_at), (NOON, NOON));
    assert_eq!(database.mysql.private_rooms().find(RoomId(id.0 + 1), b).await.unwrap(), None);
}

#[tokio::test]
async fn room_is_hidden_from_strangers() {
    let database = Database::new().await;
    let [a, b, stranger] = join_all(&database.mysql, ["aa", "bb", "cc"]).await;
    let id = database.mysql.transact([a, b], find_or_open).await.unwrap();

    assert_eq!(database.mysql.private_rooms().find(id, stranger).await.unwrap(), None);
}

#[tokio::test]
async fn blocker_looks_deleted_to_the_blocked_only() {
    let database = Database::new().await;
    let [a, b] = join_all(&database.mysql, ["aa", "bb"]).await;
    let id = database.mysql.transact([a, b], find_or_open).await.unwrap();
    block(&database.mysql, a, b).await;

    for (viewer, available) in [(a, [true, true]), (b, [false, true])] {
        let room = database.mysql.private_rooms().find(id, viewer).await.unwrap().unwrap();
        assert_eq!(room.participants.map(|person| person.is_available), available, "seen by {viewer}");
    }
}

#[tokio::test]
async fn viewers_own_rooms_are_listed_by_id() {
    let database = Database::new().await;
    let [a, b, c] = join_all(&database.mysql, ["aa", "bb", "cc"]).await;
    let mut rooms = Vec::new();
    for pair in [[a, b], [b, c], [a, c]] {
        rooms.push(database.mysql.transact(pair, find_or_open).await.unwrap());
    }

    let found = database.mysql.private_rooms().list(&[rooms[2], rooms[1], rooms[0]], a).await.unwrap();

    assert_eq!(found.iter().map(|room| room.id).collect::<Vec<_>>(), [rooms[0], rooms[2]]);
    assert_eq!(database.mysql.private_rooms().list(&[], a).await.unwrap(), []);
}

#[tokio::test]
async fn snapshot_shows_a_block_in_either_direction() {
    let database = Database::new().await;
    let [a, b, c] = join_all(&database.mysql, ["aa", "bb", "cc"]).await;
    block(&database.mysql, a, b).await;
    block(&database.mysql, c, a).await;

    for (pair, blocked) in [([a, b], true), ([a, c], true), ([b, c], false)] {
        let room = database.mysql.transact(pair, find_or_open).await.unwrap();
        let snapshot = database.mysql.private_rooms().find_snapshot(room).await.unwrap().unwrap();
        assert_eq!(snapshot.access.blocked, blocked, "{pair:?}");
    }
}

#[tokio::test]
async fn room_with_inactive_account_is_blocked_like_one_with_a_blocker() {
    let database = Database::new().await;
    let [a, gone] = join_all(&database.mysql, ["aa", "gone"]).await;
    let room = database.mysql.transact([a, gone], find_or_open).await.unwrap();
    deactivate(&database, gone).await;

    let snapshot = database.mysql.private_rooms().find_snapshot(room).await.unwrap().unwrap();

    assert!(snapshot.access.blocked);
}

async fn change_all(tx: &mut Tx, user: UserId) -> Result<(), Fault> {
    tx.private_rooms().lock_of(user, NOON).await
}

#[tokio::test]
async fn every_room_of_a_person_is_raised_and_noted_and_no_other() {
    let database = Database::new().await;
    let [a, b, c] = join_all(&database.mysql, ["aa", "bb", "cc"]).await;
    let mut rooms = Vec::new();
    for pair in [[a, b], [b, c], [a, c]] {
        rooms.push(database.mysql.transact(pair, open).await.unwrap());
    }

    database.mysql.transact(b, change_all).await.unwrap();

    let mut versions = Vec::new();
    for room in &rooms {
        versions.push(database.mysql.private_rooms().find_snapshot(*room).await.unwrap().unwrap().access.version);
    }
    assert_eq!(versions, [2, 2, 1]);
    let mut noted = database.mysql.outbox().list(10, NOON).await.unwrap();
    noted.sort_unstable_by_key(|aggregate| aggregate.number());
    assert_eq!(noted, [Aggregate::PrivateRoom(rooms[0]), Aggregate::PrivateRoom(rooms[1])]);
}

#[tokio::test]
async fn block_leaves_no_time_in_the_room() {
    let database = Database::new().await;
    let [a, b] = join_all(&database.mysql, ["aa", "bb"]).await;
    let id = database.mysql.transact([a, b], find_or_open).await.unwrap();

    database.mysql.transact(id, change).await.unwrap();

    assert_eq!(database.mysql.private_rooms().find(id, b).await.unwrap().unwrap().updated_at, NOON);
}

#[tokio::test]
async fn room_with_missing_or_inactive_person_is_refused() {
    let database = Database::new().await;
    let [a, gone] = join_all(&database.mysql, ["aa", "gone"]).await;
    deactivate(&database, gone).await;

    for other in [gone, UserId(gone.0 + 1), a] {
        let fault = database.mysql.transact([a, other], find_or_open).await.unwrap_err();
        assert_eq!(fault.code, Code::UserNotFound, "{other}");
    }
}

#[tokio::test]
async fn locking_raises_the_version() {
    let database = Database::new().await;
    let [a, b] = join_all(&database.mysql, ["aa", "bb"]).await;
    let id = database.mysql.transact([a, b], find_or_open).await.unwrap();

    assert!(database.mysql.transact(id, change).await.unwrap());
    assert!(!database.mysql.transact(RoomId(id.0 + 1), change).await.unwrap());

    let access = database.mysql.private_rooms().find_snapshot(id).await.unwrap().unwrap().access;
    assert_eq!((access.room, access.version), (RoomKey::private(id), 2));
    assert_eq!(
        access.members.iter().map(|member| (member.user, member.role)).collect::<Vec<_>>(),
        [(a, Role::Member), (b, Role::Member)]
    );
}

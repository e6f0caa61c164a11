use crate::people::{NOON, join_all, someone};
use domain::{Code, Fault, RoomId, UserId};
use mysql::{Mysql, Tx};
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering::SeqCst},
};
use testkit::mysql::Database;
use tokio::sync::Barrier;

#[derive(Clone)]
struct LockBoth {
    rooms: [RoomId; 2],
    both_hold_one: Arc<Barrier>,
    attempts: Arc<AtomicU32>,
}

/// Locks one room, meets the other transaction, then wants the room that the other has.
async fn lock_both(tx: &mut Tx, command: LockBoth) -> Result<(), Fault> {
    let attempt = command.attempts.fetch_add(1, SeqCst);
    tx.private_rooms().lock(command.rooms[0]).await?;
    if attempt < 2 {
        command.both_hold_one.wait().await;
    }
    tx.private_rooms().lock(command.rooms[1]).await?;
    Ok(())
}

async fn open(tx: &mut Tx, pair: [UserId; 2]) -> Result<RoomId, Fault> {
    tx.private_rooms().insert(pair, NOON).await
}

async fn join_and_fail(tx: &mut Tx, name: &'static str) -> Result<(), Fault> {
    tx.users().insert(someone(name)).await?;
    Err(Code::RoomNotFound.into())
}

#[tokio::test]
async fn deadlocked_transaction_is_repeated() {
    let database = Database::new().await;
    let mysql = &database.mysql;
    let [a, b, c] = join_all(mysql, ["aa", "bb", "cc"]).await;
    let rooms = [mysql.transact([a, b], open).await.unwrap(), mysql.transact([b, c], open).await.unwrap()];
    let (both_hold_one, attempts) = (Arc::new(Barrier::new(2)), Arc::default());
    let forth = LockBoth { rooms, both_hold_one, attempts };
    let back = LockBoth { rooms: [rooms[1], rooms[0]], ..forth.clone() };

    let (first, second) = tokio::join!(mysql.transact(forth.clone(), lock_both), mysql.transact(back, lock_both));

    first.unwrap();
    second.unwrap();
    assert_eq!(forth.attempts.load(SeqCst), 3);
    for room in rooms {
        assert_eq!(mysql.private_rooms().find_snapshot(room).await.unwrap().unwrap().access.version, 3);
    }
}

#[tokio::test]
async fn failed_operation_is_rolled_back() {
    let database = Database::new().await;

    let fault = database.mysql.transact("tom", join_and_fail).await.unwrap_err();

    assert_eq!(fault.code, Code::RoomNotFound);
    assert!(database.mysql.users().find_credentials("tom@example.com", NOON).await.unwrap().is_none());
}

#[tokio::test]
async fn unreachable_server_is_unavailable() {
    let mysql = Mysql::connect("mysql://root@127.0.0.1:1/chat", 2).unwrap();

    assert_eq!(mysql.transact([UserId(1), UserId(2)], open).await.unwrap_err().code, Code::Unavailable);
}

use crate::{
    groups::{Found, close, open, some},
    pages::{every_page, size},
    people::NOON,
};
use domain::{Fault, InviteId, RoomId, Timestamp};
use mysql::{Mysql, NewInvite, Tx};
use std::time::Duration;
use testkit::mysql::Database;
use tokio::task::JoinSet;

const MINUTE: Duration = Duration::from_mins(1);

fn hash(number: usize) -> String {
    format!("{number:064x}")
}

async fn insert(tx: &mut Tx, new: NewInvite) -> Result<InviteId, Fault> {
    tx.invites().insert(&new).await
}

async fn take(tx: &mut Tx, (id, at): (InviteId, Timestamp)) -> Result<bool, Fault> {
    tx.invites().take(id, at).await
}

async fn revoke(tx: &mut Tx, (room, id): (RoomId, InviteId)) -> Result<bool, Fault> {
    tx.invites().revoke(room, id, NOON).await
}

/// A database with a group, and an invite to it without limits.
async fn invite() -> (Database, NewInvite) {
    let database = Database::new().await;
    let people = some(&database.mysql, 1).await;
    let room = open(&database.mysql, Found { is_private: true, ..Found::public(people[0], "g", &[]) }).await;
    let new = NewInvite { room, by: people[0], code_hash: hash(0), expires_at: None, max_uses: None, at: NOON };
    (database, new)
}

async fn takes(mysql: &Mysql, id: InviteId, at: Timestamp) -> bool {
    mysql.transact((id, at), take).await.unwrap()
}

#[tokio::test]
async fn invite_is_found_by_its_hash_with_the_group() {
    let (database, new) = invite().await;
    let mysql = &database.mysql;
    let new = NewInvite { expires_at: Some(NOON.plus(MINUTE)), max_uses: Some(3), ..new };
    let id = mysql.transact(new.clone(), insert).await.unwrap();
    let find = async |hash: &str| mysql.invites().find_by_hash(hash, new.by).await.unwrap();

    let (found, group) = find(&new.code_hash).await.unwrap();

    assert_eq!((found.id, found.room, found.by, found.created_at), (id, new.room, new.by, NOON));
    assert_eq!((found.expires_at, found.max_uses, found.uses, found.is_revoked), (new.expires_at, Some(3), 0, false));
    assert_eq!((group.room.id, group.of.unwrap().user), (new.room, new.by));
    assert_eq!(find(&hash(1)).await, None);
    mysql.transact(new.room, close).await.unwrap();
    assert_eq!(find(&new.code_hash).await, None);
}

#[tokio::test]
async fn invite_is_taken_until_it_is_used_up_late_or_revoked() {
    let (database, new) = invite().await;
    let mysql = &database.mysql;
    let limited = NewInvite { max_uses: Some(2), code_hash: hash(1), ..new.clone() };
    let late = NewInvite { expires_at: Some(NOON.plus(MINUTE)), code_hash: hash(2), ..new.clone() };
    let (free, limited, late) = (
        mysql.transact(new.clone(), insert).await.unwrap(),
        mysql.transact(limited, insert).await.unwrap(),
        mysql.transact(late, insert).await.unwrap(),
    );

    let twice =
        [takes(mysql, limited, NOON).await, takes(mysql, limited, NOON).await, takes(mysql, limited, NOON).await];
    let in_time = [takes(mysql, late, NOON).await, takes(mysql, late, NOON.plus(MINUTE)).await];

    assert_eq!((twice, in_time), ([true, true, false], [true, false]));
    assert!(takes(mysql, free, NOON).await);
    assert!(!mysql.transact((RoomId(new.room.0 + 1), free), revoke).await.unwrap(), "of another group");
    assert!(mysql.transact((new.room, free), revoke).await.unwrap());
    assert!(mysql.transact((new.room, free), revoke).await.unwrap(), "again");
    assert!(!mysql.transact((new.room, InviteId(999)), revoke).await.unwrap(), "unknown");
    assert!(!takes(mysql, free, NOON).await);
    assert!(!takes(mysql, InviteId(999), NOON).await);
    let (found, _) = mysql.invites().find_by_hash(&new.code_hash, new.by).await.unwrap().unwrap();
    assert_eq!((found.uses, found.is_revoked), (1, true));
}

#[tokio::test]
async fn one_of_fifty_concurrent_takers_gets_the_last_use() {
    let (database, new) = invite().await;
    let id = database.mysql.transact(NewInvite { max_uses: Some(3), ..new.clone() }, insert).await.unwrap();
    assert!(takes(&database.mysql, id, NOON).await && takes(&database.mysql, id, NOON).await);
    let mut attempts = JoinSet::new();
    for _ in 0..50 {
        let mysql = database.mysql.clone();
        attempts.spawn(async move { takes(&mysql, id, NOON).await });
    }

    let taken = attempts.join_all().await.into_iter().filter(|taken| *taken).count();

    assert_eq!(taken, 1);
    let (found, _) = database.mysql.invites().find_by_hash(&new.code_hash, new.by).await.unwrap().unwrap();
    assert_eq!(found.uses, 3);
}

#[tokio::test]
async fn invites_that_are_not_revoked_are_listed_newest_first() {
    let (database, new) = invite().await;
    let mysql = &database.mysql;
    let mut ids = Vec::new();
    for n in 0..6 {
        ids.push(mysql.transact(NewInvite { code_hash: hash(n), ..new.clone() }, insert).await.unwrap());
    }
    let other = open(mysql, Found::public(new.by, "other", &[])).await;
    mysql.transact(NewInvite { room: other, code_hash: hash(9), ..new.clone() }, insert).await.unwrap();
    mysql.transact((new.room, ids[2]), revoke).await.unwrap();

    let listed = every_page(async |before| mysql.invites().list(new.room, before, size(2)).await).await;

    assert_eq!(listed.iter().map(|invite| invite.id).collect::<Vec<_>>(), [ids[5], ids[4], ids[3], ids[1], ids[0]]);
    assert_eq!((mysql.invites().count(new.room).await.unwrap(), mysql.invites().count(other).await.unwrap()), (5, 1));
}

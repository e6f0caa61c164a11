use crate::people::{NOON, block, deactivate, join, join_all};
use domain::{Aggregate, Code, Fault, FriendshipStatus, UserId};
use mysql::Tx;
use testkit::{mysql::Database, person};
use tokio::task::JoinSet;

async fn note(tx: &mut Tx, changed: Vec<Aggregate>) -> Result<(), Fault> {
    tx.outbox().insert(&changed, NOON).await
}

async fn lock(tx: &mut Tx, pair: [UserId; 2]) -> Result<Vec<UserId>, Fault> {
    tx.users().lock_pair(pair).await
}

async fn lock_active(tx: &mut Tx, pair: [UserId; 2]) -> Result<(), Fault> {
    tx.users().lock_active_pair(pair).await
}

async fn raise(tx: &mut Tx, ids: Vec<UserId>) -> Result<(), Fault> {
    tx.users().raise_versions(&ids).await
}

async fn lock_and_raise(tx: &mut Tx, pair: [UserId; 2]) -> Result<(), Fault> {
    tx.users().lock_pair(pair).await?;
    tx.users().raise_versions(&pair).await
}

async fn version(database: &Database, user: UserId) -> i64 {
    database.mysql.users().find_snapshot(user).await.unwrap().unwrap().person.version
}

#[tokio::test]
async fn new_person_has_no_friends_and_blocks() {
    let database = Database::new().await;
    let id = join(&database.mysql, "tom").await;

    let snapshot = database.mysql.users().find_snapshot(id).await.unwrap().unwrap();

    assert_eq!((snapshot.person, snapshot.outbox), (person(id, "tom"), vec![]));
}

#[tokio::test]
async fn friends_of_both_directions_are_listed_by_id() {
    let database = Database::new().await;
    let mut people = Vec::new();
    for n in 0..7 {
        people.push(join(&database.mysql, &format!("person{n}")).await);
    }
    let me = people[3];
    let statuses = [
        (5, me, FriendshipStatus::Accepted),
        (0, me, FriendshipStatus::Accepted),
        (1, me, FriendshipStatus::Pending),
        (2, me, FriendshipStatus::Rejected),
    ];
    for (other, me, status) in statuses {
        let asked = database.mysql.friendships().insert(people[other], me, NOON).await.unwrap();
        database.mysql.friendships().update(&asked.changed_to(status, me, NOON)).await.unwrap();
    }
    for other in [6, 4] {
        let asked = database.mysql.friendships().insert(me, people[other], NOON).await.unwrap();
        database.mysql.friendships().update(&asked.changed_to(FriendshipStatus::Accepted, me, NOON)).await.unwrap();
    }

    let person = database.mysql.users().find_snapshot(me).await.unwrap().unwrap().person;

    assert_eq!(person.friends, [people[0], people[4], people[5], people[6]]);
}

#[tokio::test]
async fn only_own_blocks_are_listed_by_id() {
    let database = Database::new().await;
    let [a, me, b, c] = join_all(&database.mysql, ["aa", "me", "bb", "cc"]).await;
    block(&database.mysql, me, b).await;
    block(&database.mysql, me, a).await;
    block(&database.mysql, c, me).await;

    assert_eq!(database.mysql.users().find_snapshot(me).await.unwrap().unwrap().person.blocked, [a, b]);
}

#[tokio::test]
async fn snapshot_names_the_persons_own_changes() {
    let database = Database::new().await;
    let [me, other] = join_all(&database.mysql, ["me", "other"]).await;
    let changed = [Aggregate::Person(me), Aggregate::Sessions(me), Aggregate::Person(other), Aggregate::Person(me)];
    database.mysql.transact(changed.to_vec(), note).await.unwrap();

    let snapshot = database.mysql.users().find_snapshot(me).await.unwrap().unwrap();
    database.mysql.outbox().remove(&snapshot.outbox).await.unwrap();

    assert_eq!(snapshot.outbox.len(), 2);
    let left = database.mysql.outbox().list(10, NOON).await.unwrap();
    assert_eq!(left, [Aggregate::Sessions(me), Aggregate::Person(other)]);
}

#[tokio::test]
async fn inactive_account_has_a_snapshot_and_unknown_has_none() {
    let database = Database::new().await;
    let gone = join(&database.mysql, "gone").await;
    deactivate(&database, gone).await;

    assert!(!database.mysql.users().find_snapshot(gone).await.unwrap().unwrap().person.is_active);
    assert_eq!(database.mysql.users().find_snapshot(UserId(gone.0 + 1)).await.unwrap(), None);
}

#[tokio::test]
async fn locking_a_pair_returns_the_active_accounts() {
    let database = Database::new().await;
    let [a, gone] = join_all(&database.mysql, ["aa", "gone"]).await;
    assert_eq!(database.mysql.transact([gone, a], lock).await.unwrap(), [a, gone]);

    deactivate(&database, gone).await;

    assert_eq!(database.mysql.transact([gone, a], lock).await.unwrap(), [a]);
}

#[tokio::test]
async fn pair_needs_two_existing_people() {
    let database = Database::new().await;
    let a = join(&database.mysql, "aa").await;

    for other in [UserId(a.0 + 1), a] {
        assert_eq!(database.mysql.transact([a, other], lock).await.unwrap_err().code, Code::UserNotFound, "{other}");
    }
}

#[tokio::test]
async fn active_pair_needs_two_active_accounts() {
    let database = Database::new().await;
    let [a, b, gone] = join_all(&database.mysql, ["aa", "bb", "gone"]).await;
    deactivate(&database, gone).await;

    database.mysql.transact([b, a], lock_active).await.unwrap();

    assert_eq!(database.mysql.transact([a, gone], lock_active).await.unwrap_err().code, Code::UserNotFound);
}

#[tokio::test]
async fn only_given_versions_are_raised() {
    let database = Database::new().await;
    let [a, b, c] = join_all(&database.mysql, ["aa", "bb", "cc"]).await;

    for ids in [vec![a, c], vec![c], vec![]] {
        database.mysql.transact(ids, raise).await.unwrap();
    }

    assert_eq!([version(&database, a).await, version(&database, b).await, version(&database, c).await], [2, 1, 3]);
}

#[tokio::test]
async fn changes_of_overlapping_pairs_all_commit() {
    let database = Database::new().await;
    let [a, b, c] = join_all(&database.mysql, ["aa", "bb", "cc"]).await;
    let mut changes = JoinSet::new();
    for n in 0..30 {
        let mysql = database.mysql.clone();
        let pair = [[a, b], [b, a], [b, c], [c, b], [a, c], [c, a]][n % 6];
        changes.spawn(async move { mysql.transact(pair, lock_and_raise).await });
    }

    changes.join_all().await.into_iter().for_each(Result::unwrap);

    assert_eq!([version(&database, a).await, version(&database, b).await, version(&database, c).await], [21, 21, 21]);
}

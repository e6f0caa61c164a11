use crate::people::{NOON, join, join_all};
use domain::{Aggregate, Fault, RoomId, UserId};
use mysql::{Mysql, OutboxId, Tx};
use std::time::Duration;
use testkit::mysql::{Database, execute};
use tokio::task::JoinSet;

async fn open_room(tx: &mut Tx, pair: [UserId; 2]) -> Result<RoomId, Fault> {
    let room = tx.private_rooms().insert(pair, NOON).await?;
    tx.outbox().insert(&[Aggregate::PrivateRoom(room)], NOON).await?;
    Ok(room)
}

async fn note(tx: &mut Tx, changed: Vec<Aggregate>) -> Result<(), Fault> {
    tx.outbox().insert(&changed, NOON).await
}

async fn note_and_fail(tx: &mut Tx, changed: Vec<Aggregate>) -> Result<(), Fault> {
    tx.outbox().insert(&changed, NOON).await?;
    Err(Fault::internal("it ends here"))
}

/// The rows of a person, as their snapshot shows them.
async fn rows_of(mysql: &Mysql, user: UserId) -> Vec<OutboxId> {
    mysql.users().find_snapshot(user).await.unwrap().unwrap().outbox
}

#[tokio::test]
async fn snapshot_names_the_changes_that_it_holds() {
    let database = Database::new().await;
    let mysql = &database.mysql;
    let pair = join_all(mysql, ["aa", "bb"]).await;
    let room = mysql.transact(pair, open_room).await.unwrap();

    let before = mysql.private_rooms().find_snapshot(room).await.unwrap().unwrap();
    mysql.outbox().remove(&before.outbox).await.unwrap();
    let after = mysql.private_rooms().find_snapshot(room).await.unwrap().unwrap();

    assert_eq!(before.outbox.len(), 1);
    assert_eq!(after.outbox, []);
    assert_eq!((after.access, after.created_at), (before.access, NOON));
    assert_eq!(mysql.outbox().count().await.unwrap(), 0);
}

#[tokio::test]
async fn longest_waiting_aggregate_is_listed_first_and_once() {
    let database = Database::new().await;
    let (person, room, sessions) =
        (Aggregate::Person(UserId(9)), Aggregate::PrivateRoom(RoomId(9)), Aggregate::Sessions(UserId(1)));
    for changed in [vec![room, person], vec![sessions], vec![person, room], vec![room]] {
        database.mysql.transact(changed, note).await.unwrap();
    }

    assert_eq!(database.mysql.outbox().list(10, NOON).await.unwrap(), [room, person, sessions]);
}

#[tokio::test]
async fn aggregates_tried_in_this_run_are_not_listed() {
    let database = Database::new().await;
    let outbox = || database.mysql.outbox();
    let changed: Vec<_> = (1..=3).map(|n| Aggregate::Person(UserId(n))).collect();
    database.mysql.transact([&changed[..], &changed[..1]].concat(), note).await.unwrap();

    outbox().note_try(changed[0], NOON).await.unwrap();

    assert_eq!(outbox().list(10, NOON).await.unwrap(), changed[1..]);
}

#[tokio::test]
async fn least_recently_tried_aggregate_comes_first() {
    let database = Database::new().await;
    let outbox = || database.mysql.outbox();
    let [failing, older, newer] = [1, 2, 3].map(|n| Aggregate::Person(UserId(n)));
    let at = |minutes| NOON.plus(Duration::from_mins(minutes));
    database.mysql.transact(vec![failing, older], note).await.unwrap();
    outbox().note_try(failing, at(2)).await.unwrap();
    outbox().note_try(older, at(1)).await.unwrap();
    database.mysql.transact(vec![newer], note).await.unwrap();

    assert_eq!(outbox().list(10, at(3)).await.unwrap(), [newer, older, failing]);
}

#[tokio::test]
async fn every_kind_of_aggregate_is_listed() {
    let database = Database::new().await;
    let changed = vec![Aggregate::PrivateRoom(RoomId(1)), Aggregate::Person(UserId(1)), Aggregate::Sessions(UserId(1))];
    database.mysql.transact(changed.clone(), note).await.unwrap();

    assert_eq!(database.mysql.outbox().list(10, NOON).await.unwrap(), changed);
}

#[tokio::test]
async fn rows_of_unknown_kinds_are_left_alone() {
    let database = Database::new().await;
    for statement in [
        "ALTER TABLE outbox DROP CONSTRAINT outbox_aggregate_check",
        "INSERT INTO outbox (aggregate, aggregate_id, created_at) VALUES ('file', 1, NOW(3))",
    ] {
        execute(&database.url, statement).await;
    }
    database.mysql.transact(vec![Aggregate::Person(UserId(1))], note).await.unwrap();

    let listed = database.mysql.outbox().list(1, NOON).await.unwrap();

    assert_eq!(listed, [Aggregate::Person(UserId(1))]);
    assert_eq!(database.mysql.outbox().count().await.unwrap(), 2);
}

#[tokio::test]
async fn uncommitted_change_is_not_listed() {
    let database = Database::new().await;

    database.mysql.transact(vec![Aggregate::Person(UserId(1))], note_and_fail).await.unwrap_err();

    assert_eq!(database.mysql.outbox().list(10, NOON).await.unwrap(), []);
}

#[tokio::test]
async fn change_of_nothing_adds_no_row() {
    let database = Database::new().await;

    database.mysql.transact(Vec::new(), note).await.unwrap();

    assert_eq!(database.mysql.outbox().count().await.unwrap(), 0);
}

#[tokio::test]
async fn later_row_of_the_same_aggregate_is_not_removed() {
    let database = Database::new().await;
    let user = join(&database.mysql, "tom").await;
    database.mysql.transact(vec![Aggregate::Person(user)], note).await.unwrap();
    let first = rows_of(&database.mysql, user).await;
    database.mysql.transact(vec![Aggregate::Person(user)], note).await.unwrap();

    database.mysql.outbox().remove(&first).await.unwrap();

    let left = rows_of(&database.mysql, user).await;
    assert_eq!((first.len(), left.len()), (1, 1));
    assert_ne!(first, left);
}

#[tokio::test]
async fn removing_is_idempotent() {
    let database = Database::new().await;
    let user = join(&database.mysql, "tom").await;
    database.mysql.transact(vec![Aggregate::Person(user)], note).await.unwrap();
    let rows = rows_of(&database.mysql, user).await;

    for gone in [&rows[..], &rows[..], &[]] {
        database.mysql.outbox().remove(gone).await.unwrap();
    }

    assert_eq!(database.mysql.outbox().count().await.unwrap(), 0);
}

#[tokio::test]
async fn all_rows_of_one_aggregate_are_removed() {
    let database = Database::new().await;
    let ghost = Aggregate::Person(UserId(9));
    let others = [Aggregate::Sessions(UserId(9)), Aggregate::Person(UserId(8)), Aggregate::PrivateRoom(RoomId(9))];
    database.mysql.transact([&[ghost, ghost], &others[..]].concat(), note).await.unwrap();

    database.mysql.outbox().remove_all(ghost).await.unwrap();

    assert_eq!(database.mysql.outbox().list(10, NOON).await.unwrap(), others);
    assert_eq!(database.mysql.outbox().count().await.unwrap(), 3);
}

#[tokio::test]
async fn concurrent_inserts_and_removals_lose_nothing() {
    let database = Database::new().await;
    let user = join(&database.mysql, "tom").await;
    database.mysql.transact(vec![Aggregate::Person(user); 20], note).await.unwrap();
    let mut work = JoinSet::new();
    for row in rows_of(&database.mysql, user).await {
        let (adding, removing) = (database.mysql.clone(), database.mysql.clone());
        work.spawn(async move { adding.transact(vec![Aggregate::Person(user)], note).await });
        work.spawn(async move { removing.outbox().remove(&[row]).await });
    }

    work.join_all().await.into_iter().for_each(Result::unwrap);

    assert_eq!(database.mysql.outbox().count().await.unwrap(), 20);
}

#[tokio::test]
async fn every_person_is_added_once() {
    let database = Database::new().await;
    let people = join_all(&database.mysql, ["aa", "bb"]).await;

    database.mysql.outbox().insert_everybody(NOON).await.unwrap();

    assert_eq!(database.mysql.outbox().list(10, NOON).await.unwrap(), people.map(Aggregate::Person));
}

#[tokio::test]
async fn only_requested_waiting_aggregates_are_listed() {
    let database = Database::new().await;
    let id = join(&database.mysql, "tom").await;
    let (person, sessions, room) =
        (Aggregate::Person(id), Aggregate::Sessions(id), Aggregate::PrivateRoom(RoomId(id.0)));
    database.mysql.transact(vec![person, person, room], note).await.unwrap();

    assert_eq!(database.mysql.outbox().list_waiting(&[person, sessions]).await.unwrap(), [person]);
    assert_eq!(database.mysql.outbox().list_waiting(&[]).await.unwrap(), []);
}

#[tokio::test]
async fn oldest_change_says_since_when_it_waits() {
    let database = Database::new().await;
    let outbox = || database.mysql.outbox();
    assert_eq!(outbox().find_oldest().await.unwrap(), None);
    for (user, minutes) in [(1, 5), (2, 3)] {
        let row = format!(
            "INSERT INTO outbox (aggregate, aggregate_id, created_at)
             VALUES ('user', {user}, TIMESTAMPADD(MINUTE, -{minutes}, FROM_UNIXTIME({} / 1000)))",
            NOON.millis()
        );
        execute(&database.url, &row).await;
    }

    assert_eq!(outbox().find_oldest().await.unwrap(), Some(NOON.minus(Duration::from_mins(5))));
}

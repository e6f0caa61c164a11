use crate::people::{NOON, join};
use domain::{Aggregate, Fault, RoomId, UserId};
use mysql::{Mysql, OutboxId, Tx};
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
async fn a_snapshot_names_the_changes_that_it_holds() {
    let database = Database::new().await;
    let mysql = &database.mysql;
    let pair = [join(mysql, "aa").await, join(mysql, "bb").await];
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
async fn what_waits_longest_comes_first_and_once() {
    let database = Database::new().await;
    let (person, room, sessions) =
        (Aggregate::Person(UserId(9)), Aggregate::PrivateRoom(RoomId(9)), Aggregate::Sessions(UserId(1)));
    for changed in [vec![room, person], vec![sessions], vec![person, room], vec![room]] {
        database.mysql.transact(changed, note).await.unwrap();
    }

    assert_eq!(database.mysql.outbox().list(10, &[]).await.unwrap(), [room, person, sessions]);
}

#[tokio::test]
async fn what_was_tried_is_left_out_and_keeps_nothing_else_back() {
    let database = Database::new().await;
    let changed: Vec<_> =
        (1..=5).flat_map(|n| [Aggregate::Person(UserId(n)), Aggregate::Sessions(UserId(n))]).collect();
    database.mysql.transact(changed.clone(), note).await.unwrap();
    let tried = [changed[0], changed[1], changed[5]];

    let listed = database.mysql.outbox().list(3, &tried).await.unwrap();

    assert_eq!(listed, changed[2..5]);
}

#[tokio::test]
async fn every_kind_of_aggregate_is_listed_as_it_was_noted() {
    let database = Database::new().await;
    let changed = vec![Aggregate::PrivateRoom(RoomId(1)), Aggregate::Person(UserId(1)), Aggregate::Sessions(UserId(1))];
    database.mysql.transact(changed.clone(), note).await.unwrap();

    assert_eq!(database.mysql.outbox().list(10, &[]).await.unwrap(), changed);
}

#[tokio::test]
async fn rows_of_a_newer_version_are_left_for_it_and_keep_nothing_back() {
    let database = Database::new().await;
    let group = "INSERT INTO outbox (aggregate, aggregate_id, created_at) VALUES ('group', 1, NOW(3))";
    execute(&database.url, group).await;
    database.mysql.transact(vec![Aggregate::Person(UserId(1))], note).await.unwrap();

    let listed = database.mysql.outbox().list(1, &[]).await.unwrap();

    assert_eq!(listed, [Aggregate::Person(UserId(1))]);
    assert_eq!(database.mysql.outbox().count().await.unwrap(), 2);
}

#[tokio::test]
async fn what_was_not_committed_is_nowhere() {
    let database = Database::new().await;

    database.mysql.transact(vec![Aggregate::Person(UserId(1))], note_and_fail).await.unwrap_err();

    assert_eq!(database.mysql.outbox().list(10, &[]).await.unwrap(), []);
}

#[tokio::test]
async fn a_change_of_nothing_notes_nothing() {
    let database = Database::new().await;

    database.mysql.transact(Vec::new(), note).await.unwrap();

    assert_eq!(database.mysql.outbox().count().await.unwrap(), 0);
}

#[tokio::test]
async fn removing_takes_the_rows_named_and_no_later_one() {
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
async fn removing_twice_or_nothing_is_no_fault() {
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
async fn all_changes_of_what_is_not_there_are_forgotten_and_of_nothing_else() {
    let database = Database::new().await;
    let ghost = Aggregate::Person(UserId(9));
    let others = [Aggregate::Sessions(UserId(9)), Aggregate::Person(UserId(8)), Aggregate::PrivateRoom(RoomId(9))];
    database.mysql.transact([&[ghost, ghost], &others[..]].concat(), note).await.unwrap();

    database.mysql.outbox().remove_all(ghost).await.unwrap();

    assert_eq!(database.mysql.outbox().list(10, &[]).await.unwrap(), others);
    assert_eq!(database.mysql.outbox().count().await.unwrap(), 3);
}

#[tokio::test]
async fn notes_and_removals_at_once_lose_nothing() {
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
async fn everybody_is_noted_once() {
    let database = Database::new().await;
    let people = [join(&database.mysql, "aa").await, join(&database.mysql, "bb").await];

    database.mysql.outbox().insert_everybody(NOON).await.unwrap();

    assert_eq!(database.mysql.outbox().list(10, &[]).await.unwrap(), people.map(Aggregate::Person));
}

#[tokio::test]
async fn only_what_was_asked_for_and_waits_is_listed_as_waiting() {
    let database = Database::new().await;
    let id = join(&database.mysql, "tom").await;
    let (person, sessions, room) =
        (Aggregate::Person(id), Aggregate::Sessions(id), Aggregate::PrivateRoom(RoomId(id.0)));
    database.mysql.transact(vec![person, person, room], note).await.unwrap();

    assert_eq!(database.mysql.outbox().list_waiting(&[person, sessions]).await.unwrap(), [person]);
    assert_eq!(database.mysql.outbox().list_waiting(&[]).await.unwrap(), []);
}

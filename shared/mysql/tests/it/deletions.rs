use crate::{
    pages::{every_page, size},
    people::{NOON, join, join_all, someone},
};
use domain::{Code, DeletionStep, Fault, FriendshipId, RoomId, Timestamp, UserId};
use mysql::{Deletion, Mysql, Tx};
use testkit::mysql::Database;

const LATER: Timestamp = Timestamp::from_millis(NOON.millis() + 60_000);

async fn delete(tx: &mut Tx, (user, hash): (UserId, &'static str)) -> Result<bool, Fault> {
    let is_deleted = tx.users().delete(user, hash, LATER).await?;
    if is_deleted {
        tx.users().remove_names(user).await?;
        tx.deletions().insert(user, LATER).await?;
    }
    Ok(is_deleted)
}

async fn deleted(mysql: &Mysql, name: &str) -> UserId {
    let user = join(mysql, name).await;
    assert!(mysql.transact((user, "$argon2id$"), delete).await.unwrap());
    user
}

async fn open(tx: &mut Tx, pair: [UserId; 2]) -> Result<RoomId, Fault> {
    tx.private_rooms().insert(pair, NOON).await
}

#[tokio::test]
async fn only_the_password_that_was_shown_deletes_an_account_and_once() {
    let database = Database::new().await;
    let user = join(&database.mysql, "tom").await;

    for (hash, expected) in [("another", false), ("$argon2id$", true), ("$argon2id$", false), ("!", false)] {
        assert_eq!(database.mysql.transact((user, hash), delete).await.unwrap(), expected, "{hash}");
    }

    assert!(database.mysql.users().is_deleted(user).await.unwrap());
    assert!(!database.mysql.users().is_deleted(UserId(user.0 + 1)).await.unwrap());
}

#[tokio::test]
async fn names_of_a_deleted_account_are_free_and_its_own_are_nobodys() {
    let database = Database::new().await;
    let (first, second) = (deleted(&database.mysql, "tom").await, deleted(&database.mysql, "tim").await);

    let again = database.mysql.users().insert(someone("tom")).await.unwrap();

    assert!(again.profile.id > second);
    let person = database.mysql.users().find_snapshot(first).await.unwrap().unwrap().person;
    assert_eq!((person.username, person.is_active, person.version), (format!("deleted:{first}"), false, 2));
    let taken = database.mysql.users().insert(someone("tom")).await.unwrap_err();
    assert_eq!(taken.code, Code::EmailTaken);
}

#[tokio::test]
async fn deletions_come_in_turn_and_each_once_in_a_run() {
    let database = Database::new().await;
    let (a, b) = (deleted(&database.mysql, "aa").await, deleted(&database.mysql, "bb").await);
    let list = async |before| {
        let listed = database.mysql.deletions().list(9, before).await.unwrap();
        listed.into_iter().map(|deletion| deletion.user).collect::<Vec<_>>()
    };
    assert_eq!(list(LATER).await, [a, b]);

    database.mysql.deletions().note_try(a, LATER).await.unwrap();

    assert_eq!(list(LATER).await, [b]);
    assert_eq!(list(Timestamp::from_millis(LATER.millis() + 1)).await.len(), 2);
}

#[tokio::test]
async fn deletion_moves_on_from_where_it_was_read_only() {
    let database = Database::new().await;
    let user = deleted(&database.mysql, "tom").await;
    let deletions = || database.mysql.deletions();
    let begun = deletions().find(user).await.unwrap().unwrap();
    let expected = Deletion { user, step: DeletionStep::Sessions, position: 0, created_at: LATER, closed_at: None };
    assert_eq!(begun, expected);
    let closed = Deletion { step: DeletionStep::Messages, position: 7, closed_at: Some(LATER), ..begun };

    assert!(deletions().advance(&begun, &closed).await.unwrap());
    assert!(!deletions().advance(&begun, &closed).await.unwrap(), "another run has moved it");
    assert_eq!(deletions().find(user).await.unwrap(), Some(closed));

    assert!(!deletions().remove(&begun).await.unwrap());
    assert!(deletions().remove(&closed).await.unwrap());
    assert_eq!(deletions().find(user).await.unwrap(), None);
}

#[tokio::test]
async fn rooms_of_a_person_come_by_id_from_either_side() {
    let database = Database::new().await;
    let mysql = &database.mysql;
    let mut people = Vec::new();
    for n in 0..9 {
        people.push(join(mysql, &format!("person{n}")).await);
    }
    let (me, mut expected) = (people[4], Vec::new());
    for other in people.iter().rev().filter(|other| **other != me) {
        expected.push((mysql.transact([me, *other], open).await.unwrap(), *other));
    }
    mysql.transact([people[0], people[8]], open).await.unwrap();

    for limit in [1, 3, 8, 100] {
        let list = async |after| mysql.private_rooms().list_of(me, after, size(limit)).await;
        let listed: Vec<_> = every_page(list).await.into_iter().map(|room| (room.id, room.with)).collect();
        assert_eq!(listed, expected, "in pages of {limit}");
    }
}

#[tokio::test]
async fn friendships_of_any_state_are_listed_for_removal() {
    let database = Database::new().await;
    let mysql = &database.mysql;
    let [me, suji, haneul] = join_all(mysql, ["me", "suji", "haneul"]).await;
    let first = mysql.friendships().insert(me, suji, NOON).await.unwrap().id;
    let second = mysql.friendships().insert(haneul, me, NOON).await.unwrap().id;
    mysql.friendships().insert(haneul, suji, NOON).await.unwrap();

    let listed: Vec<(FriendshipId, UserId)> = mysql.friendships().list_any(me, 9).await.unwrap();

    assert_eq!(listed, [(first, suji), (second, haneul)]);
    assert_eq!(mysql.friendships().list_any(me, 1).await.unwrap().len(), 1);
}

#[tokio::test]
async fn blocks_of_one_person_are_removed_in_parts() {
    let database = Database::new().await;
    let mysql = &database.mysql;
    let [me, other] = join_all(mysql, ["me", "other"]).await;
    for n in 0..3 {
        let blocked = join(mysql, &format!("blocked{n}")).await;
        mysql.blocks().insert(me, blocked, NOON).await.unwrap();
        mysql.blocks().insert(other, blocked, NOON).await.unwrap();
    }

    let removed = [mysql.blocks().remove_some(me, 2).await.unwrap(), mysql.blocks().remove_some(me, 2).await.unwrap()];

    assert_eq!((removed, mysql.blocks().count(me).await.unwrap()), ([2, 1], 0));
    assert_eq!(mysql.blocks().count(other).await.unwrap(), 3);
}

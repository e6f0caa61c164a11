//! Moments after 2038-01-19, when TIMESTAMP ends.

use crate::{pages::size, people::someone};
use domain::{Aggregate, Family, Fault, Friendship, SessionId, Timestamp, UserId};
use mysql::{AccountPatch, Direction, NewSession, NewUser, Tx};
use std::time::Duration;
use testkit::mysql::Database;

/// 2040-02-29T12:00:00.123Z.
const LATE: Timestamp = Timestamp::from_millis(2_214_129_600_123);
const LATER: Timestamp = Timestamp::from_millis(LATE.millis() + 1);

async fn change(tx: &mut Tx, user: UserId) -> Result<(), Fault> {
    assert!(tx.users().update(user, &AccountPatch::default(), LATER).await?);
    tx.outbox().insert(&[Aggregate::Person(user)], LATE).await
}

async fn open_room(tx: &mut Tx, pair: [UserId; 2]) -> Result<(), Fault> {
    tx.private_rooms().insert(pair, LATE).await.map(drop)
}

async fn family(tx: &mut Tx, id: SessionId) -> Result<Option<Family>, Fault> {
    tx.sessions().lock(&id).await
}

#[tokio::test]
async fn people_and_rooms_of_2040_keep_their_times() {
    let database = Database::new().await;
    let mysql = &database.mysql;
    let mut pair = [UserId(0); 2];
    for (user, name) in pair.iter_mut().zip(["tom", "kim"]) {
        *user = mysql.users().insert(NewUser { at: LATE, ..someone(name) }).await.unwrap().profile.id;
    }

    mysql.transact(pair[0], change).await.unwrap();
    mysql.transact(pair, open_room).await.unwrap();
    mysql.outbox().insert_everybody(LATE).await.unwrap();
    mysql.blocks().insert(pair[0], pair[1], LATE).await.unwrap();
    let asked = mysql.friendships().insert(pair[1], pair[0], LATE).await.unwrap();

    let user = mysql.users().find(pair[0]).await.unwrap().unwrap();
    assert_eq!((user.created_at, user.updated_at), (LATE, LATER));
    let requests = mysql.friendships().list_requests(pair[0], Direction::Received(LATER), None, size(1)).await.unwrap();
    assert_eq!(requests.items.len(), 1);
    let quiet = Friendship { updated_at: LATER, quiet_until: Some(LATER), ..asked };
    mysql.friendships().update(&quiet).await.unwrap();
    assert_eq!(mysql.friendships().find_between(pair).await.unwrap(), Some(quiet));
    let room = mysql.private_rooms().find_by_pair(pair).await.unwrap().unwrap();
    let snapshot = mysql.private_rooms().find_snapshot(room).await.unwrap().unwrap();
    assert_eq!(snapshot.created_at, LATE);
    assert_eq!(mysql.blocks().list(pair[0], None, size(1)).await.unwrap().items[0].at, LATE);
}

#[tokio::test]
async fn sessions_of_2040_keep_their_times() {
    let database = Database::new().await;
    let mysql = &database.mysql;
    let user = mysql.users().insert(NewUser { at: LATE, ..someone("tom") }).await.unwrap().profile.id;
    let [id, other] = [1, 2].map(|byte| SessionId::from_bytes([byte; 16]));
    for id in [&id, &other] {
        let expires_at = LATE.plus(Family::LIFE);
        let new = NewSession { id: id.clone(), user, user_agent: None, at: LATE, expires_at };
        assert!(mysql.sessions().insert(new, &someone("tom").password_hash).await.unwrap());
    }

    mysql.sessions().rotate(&id, 2, None, LATER).await.unwrap();

    let found = mysql.transact(id.clone(), family).await.unwrap().unwrap();
    assert_eq!((found.rotated_at, found.expires_at), (LATER, LATE.plus(Family::LIFE)));
    let page = mysql.sessions().list(user, None, size(10), LATE).await.unwrap();
    assert_eq!(page.items.iter().map(|session| session.created_at).collect::<Vec<_>>(), [LATE, LATE]);
    let credentials = mysql.users().find_credentials("tom@example.com", LATE).await.unwrap().unwrap();
    assert_eq!(credentials.sessions, 2);
    let from = mysql.sessions().find_excess(user, &id, 1, LATE).await.unwrap().unwrap();
    mysql.sessions().revoke_oldest(user, &from, &id, LATER).await.unwrap();
    assert_eq!(mysql.sessions().list_live(user, LATER).await.unwrap(), std::slice::from_ref(&id));
    mysql.sessions().revoke(&id, user, LATER).await.unwrap();
    assert_eq!(mysql.sessions().list_ended(user, LATE).await.unwrap().sessions.len(), 2);
    assert_eq!(mysql.sessions().list_over(LATER, 10).await.unwrap(), []);
    assert_eq!(mysql.sessions().list_over(LATER.plus(Duration::from_millis(1)), 10).await.unwrap().len(), 2);
}

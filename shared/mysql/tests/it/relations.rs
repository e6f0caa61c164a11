use crate::people::{NOON, block, deactivate, join_all};
use domain::{Fault, FriendshipStatus, RoomId, UserId};
use mysql::{Relation, Tx};
use testkit::mysql::Database;

const NOTHING: Relation = Relation { is_available: true, is_blocked: false, is_friend: false, room: None };

async fn open(tx: &mut Tx, pair: [UserId; 2]) -> Result<RoomId, Fault> {
    tx.private_rooms().insert(pair, NOON).await
}

async fn pair() -> (Database, UserId, UserId) {
    let database = Database::new().await;
    let [a, b] = join_all(&database.mysql, ["aa", "bb"]).await;
    (database, a, b)
}

async fn find(database: &Database, person: UserId, other: UserId) -> Option<Relation> {
    database.mysql.relations().find(person, other).await.unwrap()
}

#[tokio::test]
async fn between_strangers_there_is_nothing_and_nobody_has_no_relation() {
    let (database, a, b) = pair().await;

    assert_eq!(find(&database, a, b).await, Some(NOTHING));
    assert_eq!(find(&database, a, UserId(9_999)).await, None);
}

#[tokio::test]
async fn block_is_visible_to_its_owner_who_is_hidden_from_the_other() {
    let (database, a, b) = pair().await;
    block(&database.mysql, a, b).await;

    assert_eq!(find(&database, a, b).await, Some(Relation { is_blocked: true, ..NOTHING }));
    assert_eq!(find(&database, b, a).await, Some(Relation { is_available: false, ..NOTHING }));
}

#[tokio::test]
async fn inactive_account_is_hidden_like_a_blocker() {
    let (database, a, b) = pair().await;
    deactivate(&database, b).await;

    assert_eq!(find(&database, a, b).await, Some(Relation { is_available: false, ..NOTHING }));
}

#[tokio::test]
async fn room_and_friendship_are_found_from_either_side() {
    let (database, a, b) = pair().await;
    let room = database.mysql.transact([a, b], open).await.unwrap();
    let asked = database.mysql.friendships().insert(b, a, NOON).await.unwrap();
    assert!(!find(&database, a, b).await.unwrap().is_friend, "a request is no friendship");
    database.mysql.friendships().update(&asked.changed_to(FriendshipStatus::Accepted, a, NOON)).await.unwrap();

    for (person, other) in [(a, b), (b, a)] {
        let expected = Relation { is_friend: true, room: Some(room), ..NOTHING };
        assert_eq!(find(&database, person, other).await, Some(expected));
    }
}

use crate::people::{NOON, join};
use domain::{Fault, RoomId, RoomKey, UserId};
use mysql::{OutboxId, Tx};
use testkit::mysql::Database;

async fn open_room(tx: &mut Tx, pair: [UserId; 2]) -> Result<(RoomId, OutboxId), Fault> {
    let room = tx.private_rooms().insert(pair, NOON).await?;
    Ok((room, tx.outbox().insert(RoomKey::private(room), NOON).await?))
}

#[tokio::test]
async fn a_snapshot_names_the_changes_that_it_holds() {
    let database = Database::new().await;
    let mysql = &database.mysql;
    let pair = [join(mysql, "aa").await, join(mysql, "bb").await];
    let (room, outbox) = mysql.transact(pair, open_room).await.unwrap();

    let before = mysql.private_rooms().find_snapshot(room).await.unwrap().unwrap();
    mysql.outbox().remove(&before.outbox).await.unwrap();
    let after = mysql.private_rooms().find_snapshot(room).await.unwrap().unwrap();

    assert_eq!(before.outbox, [outbox]);
    assert_eq!(after.outbox, []);
    assert_eq!(after.access, before.access);
    assert_eq!(mysql.outbox().count().await.unwrap(), 0);
}

use crate::stores::{NOON, Stores, open_room};
use domain::{Aggregate, Code, Fault, RoomId, RoomKey, UserId};
use mongo::{Messages, Placement};
use mysql::Tx;
use projection::Changed;

#[derive(Clone, Copy)]
struct Block {
    by: UserId,
    blocked: UserId,
    room: RoomId,
}

async fn block(tx: &mut Tx, command: Block) -> Result<Changed<()>, Fault> {
    let Block { by, blocked, room } = command;
    let touched = vec![Aggregate::Person(by), Aggregate::PrivateRoom(room)];
    tx.users().lock_pair([by, blocked]).await?;
    tx.private_rooms().lock(room).await?;
    if tx.blocks().find(by, blocked).await?.is_none() {
        tx.blocks().insert(by, blocked, NOON).await?;
    }
    tx.users().raise_versions(&[by]).await?;
    tx.outbox().insert(&touched, NOON).await?;
    Ok(Changed::quietly(touched, ()))
}

async fn unblock(tx: &mut Tx, command: Block) -> Result<Changed<()>, Fault> {
    let Block { by, blocked, room } = command;
    let touched = vec![Aggregate::Person(by), Aggregate::PrivateRoom(room)];
    tx.users().lock_pair([by, blocked]).await?;
    tx.private_rooms().lock(room).await?;
    tx.blocks().remove(by, blocked).await?;
    tx.users().raise_versions(&[by]).await?;
    tx.outbox().insert(&touched, NOON).await?;
    Ok(Changed::quietly(touched, ()))
}

/// Both stores with a room of the two, and the first one's block of the second.
async fn stage() -> (Stores, Block) {
    let stores = Stores::new().await;
    let room = stores.projector.change(stores.pair, open_room).await.unwrap();
    let [by, blocked] = stores.pair;
    (stores, Block { by, blocked, room })
}

/// Whether both or neither get a position for a message.
async fn may_write(stores: &Stores, room: RoomId) -> bool {
    let (rooms, room) = (stores.projector.mongo.rooms(), RoomKey::private(room));
    let mut answers = Vec::new();
    for user in stores.pair {
        let reserved = rooms.reserve(room, Some(user), Placement::New(Messages::new_id())).await.unwrap();
        answers.push(reserved.is_some());
    }
    assert_eq!(answers[0], answers[1]);
    answers[0]
}

#[tokio::test]
async fn neither_of_two_people_writes_once_a_block_is_answered() {
    let (stores, command) = stage().await;

    stores.projector.change(command, block).await.unwrap();

    for user in stores.pair {
        let rights = stores.projector.mongo.rooms().find_rights(RoomKey::private(command.room), user).await.unwrap();
        assert_eq!(rights.unwrap().admit_writer(), Err(Code::RecipientUnavailable), "{user}");
    }
}

#[tokio::test]
async fn answered_block_stops_reservations() {
    let (stores, command) = stage().await;
    assert!(may_write(&stores, command.room).await);

    stores.projector.change(command, block).await.unwrap();
    assert!(!may_write(&stores, command.room).await);

    stores.projector.change(command, unblock).await.unwrap();
    assert!(may_write(&stores, command.room).await);
}

#[tokio::test]
async fn block_is_projected_with_its_owner() {
    let (stores, command) = stage().await;

    stores.projector.change(command, block).await.unwrap();

    assert_eq!(stores.person(command.by).await.unwrap().blocked, [command.blocked]);
    assert_eq!(stores.waiting().await, 0);
}

#[tokio::test]
async fn both_write_again_once_the_last_block_is_taken_away() {
    let (stores, command) = stage().await;
    let back = Block { by: command.blocked, blocked: command.by, ..command };
    stores.projector.change(command, block).await.unwrap();
    stores.projector.change(back, block).await.unwrap();

    stores.projector.change(command, unblock).await.unwrap();
    assert!(stores.room(command.room).await.unwrap().blocked);
    stores.projector.change(back, unblock).await.unwrap();

    let access = stores.room(command.room).await.unwrap();
    assert_eq!((access.blocked, access.version), (false, 5));
}

#[tokio::test]
async fn blocks_and_the_taking_away_of_them_at_once_end_as_mysql_has_it() {
    let (stores, command) = stage().await;
    let mut changes = tokio::task::JoinSet::new();
    for n in 0..24 {
        let projector = stores.projector.clone();
        let by = stores.pair[n % 2];
        let command = Block { by, blocked: stores.pair[1 - n % 2], ..command };
        changes.spawn(async move {
            if n % 3 == 0 { projector.change(command, unblock).await } else { projector.change(command, block).await }
        });
    }

    changes.join_all().await.into_iter().for_each(Result::unwrap);

    let snapshot = stores.mysql().private_rooms().find_snapshot(command.room).await.unwrap().unwrap();
    assert_eq!(stores.room(command.room).await, Some(snapshot.access));
    for user in stores.pair {
        let person = stores.mysql().users().find_snapshot(user).await.unwrap().unwrap().person;
        assert_eq!(stores.person(user).await, Some(person));
    }
    assert_eq!(stores.waiting().await, 0);
}

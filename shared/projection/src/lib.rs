#![doc = include_str!("../README.md")]

use domain::{Fault, RoomId};
use mongo::Mongo;
use mysql::{Mysql, Snapshot, Tx};

/// Both stores, and the order in which they learn of a change.
#[derive(Debug, Clone)]
pub struct Projector {
    /// The record of people and rooms.
    pub mysql: Mysql,
    /// The record of messages, and what it must know of rooms.
    pub mongo: Mongo,
}

/// What an operation changed or found unchanged, and what it answers.
#[derive(Debug, Clone)]
pub struct Changed<T> {
    /// The 1:1 room that MongoDB must know before the answer.
    pub room: RoomId,
    /// The answer.
    pub answer: T,
}

impl Projector {
    /// Commits an operation and projects its room, in this order; see `Mysql::transact`.
    ///
    /// After a fault the change may be committed and not projected: the same command again projects it.
    pub async fn change<C: Clone, T>(
        &self,
        command: C,
        operation: impl AsyncFn(&mut Tx, C) -> Result<Changed<T>, Fault>,
    ) -> Result<T, Fault> {
        let Changed { room, answer } = self.mysql.transact(command, operation).await?;
        self.project_private_room(room).await?;
        Ok(answer)
    }

    /// Brings MongoDB to the room's newest committed version. Safe to repeat, and for two at once.
    ///
    /// Four round trips: one to read, two to MongoDB, one to forget outbox rows where there are any.
    pub async fn project_private_room(&self, room: RoomId) -> Result<(), Fault> {
        let snapshot = self.mysql.private_rooms().find_snapshot(room).await?;
        let Some(Snapshot { access, outbox }) = snapshot else { return Ok(()) };
        self.mongo.project_room(&access).await?;
        if let Err(fault) = self.mysql.outbox().remove(&outbox).await {
            // What stays is projected once more, which changes nothing.
            tracing::warn!(room.id = %room, "Left outbox rows of room {room}: {:?}", fault.source);
        }
        Ok(())
    }
}

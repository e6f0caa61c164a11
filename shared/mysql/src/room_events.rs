use crate::fault::fault;
use domain::{Fault, Role, RoomEvent, RoomId, System, Timestamp};
use sqlx::{MySqlConnection, MySqlExecutor, QueryBuilder};

/// Changes of groups whose system messages may not be placed yet, on the pool or in a transaction. `groups().find_snapshot` reads
/// them.
#[derive(Debug)]
pub struct RoomEvents<E>(pub(crate) E);

impl RoomEvents<&mut MySqlConnection> {
    /// Notes what happened to a locked group, in this order; an outbox row goes with it. Sends nothing if nothing did.
    pub async fn insert(self, room: RoomId, happened: &[System], at: Timestamp) -> Result<(), Fault> {
        if happened.is_empty() {
            return Ok(());
        }
        let mut query = QueryBuilder::new(
            "INSERT INTO group_room_events (group_room_id, kind, user_id, actor_id, role, name, created_at) ",
        );
        query.push_values(happened, |mut row, system| {
            row.push_bind(room.0).push_bind(system.kind.as_str()).push_bind(system.user.map(|user| user.0));
            row.push_bind(system.by.0).push_bind(system.role.map(Role::as_str)).push_bind(system.name.as_deref());
            row.push_bind(at.to_utc());
        });
        query.build().persistent(happened.len() == 1).execute(self.0).await.map_err(fault)?;
        Ok(())
    }
}

impl<'e, E: MySqlExecutor<'e>> RoomEvents<E> {
    /// Removes the changes of a group from the first to the last of these, whose system messages were placed; before the outbox rows
    /// that name the group. Sends nothing if there are none.
    pub async fn remove(self, placed: &[RoomEvent]) -> Result<(), Fault> {
        let (Some(first), Some(last)) = (placed.first(), placed.last()) else { return Ok(()) };
        // As a range: for a list of ids the server scans a small table and locks all of it.
        sqlx::query(
            "DELETE FROM group_room_events
             WHERE group_room_id = ? AND id BETWEEN ? AND ?",
        )
        .bind(first.room.0)
        .bind(first.id)
        .bind(last.id)
        .execute(self.0)
        .await
        .map_err(fault)?;
        Ok(())
    }
}

use crate::fault::fault;
use domain::{Fault, Role, RoomId, System, Timestamp};
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
    /// Removes changes whose system messages were placed, before the outbox rows that name the group. Sends nothing if there are
    /// none.
    pub async fn remove(self, ids: &[i64]) -> Result<(), Fault> {
        if ids.is_empty() {
            return Ok(());
        }
        let mut query = QueryBuilder::new("DELETE FROM group_room_events WHERE id IN (");
        let mut list = query.separated(", ");
        for id in ids {
            list.push_bind(*id);
        }
        // By the order of the primary key: for a long list the server would scan a small table and lock all of it.
        query.push(") ORDER BY id LIMIT ").push_bind(i64::try_from(ids.len()).unwrap_or(i64::MAX));
        query.build().persistent(ids.len() == 1).execute(self.0).await.map_err(fault)?;
        Ok(())
    }
}

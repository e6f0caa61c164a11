use crate::fault::fault;
use domain::{Fault, RoomKey, Timestamp};
use sqlx::{MySqlConnection, MySqlExecutor, QueryBuilder};

/// Which aggregates MongoDB has yet to learn about, on the pool or in a transaction.
#[derive(Debug)]
pub struct Outbox<E>(pub(crate) E);

/// One committed change that may not be projected yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OutboxId(pub(crate) i64);

impl Outbox<&mut MySqlConnection> {
    /// Notes that a room changed in this transaction.
    pub async fn insert(self, room: RoomKey, at: Timestamp) -> Result<OutboxId, Fault> {
        let outcome = sqlx::query(
            "INSERT INTO outbox (aggregate, aggregate_id, created_at)
             VALUES (?, ?, ?)",
        )
        .bind(room.kind.as_str())
        .bind(room.id.0)
        .bind(at.to_utc())
        .execute(self.0)
        .await
        .map_err(fault)?;
        i64::try_from(outcome.last_insert_id()).map(OutboxId).map_err(Fault::internal)
    }
}

impl<'e, E: MySqlExecutor<'e>> Outbox<E> {
    /// Forgets changes that MongoDB knows; no round trip if there are none.
    pub async fn remove(self, ids: &[OutboxId]) -> Result<(), Fault> {
        if ids.is_empty() {
            return Ok(());
        }
        let mut query = QueryBuilder::new("DELETE FROM outbox WHERE id IN (");
        let mut list = query.separated(", ");
        for id in ids {
            list.push_bind(id.0);
        }
        query.push(")").build().execute(self.0).await.map_err(fault)?;
        Ok(())
    }

    /// How many changes may not be projected yet.
    pub async fn count(self) -> Result<i64, Fault> {
        sqlx::query_scalar("SELECT COUNT(*) FROM outbox").fetch_one(self.0).await.map_err(fault)
    }
}

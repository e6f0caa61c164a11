use crate::fault::fault;
use domain::{Aggregate, Fault, Timestamp};
use sqlx::{MySqlConnection, MySqlExecutor, QueryBuilder};

/// Which aggregates MongoDB has yet to learn about, on the pool or in a transaction.
#[derive(Debug)]
pub struct Outbox<E>(pub(crate) E);

/// One committed change that may not be projected yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OutboxId(pub(crate) i64);

impl Outbox<&mut MySqlConnection> {
    /// Notes that aggregates changed in this transaction; no round trip if none did.
    pub async fn insert(self, changed: &[Aggregate], at: Timestamp) -> Result<(), Fault> {
        if changed.is_empty() {
            return Ok(());
        }
        let mut query = QueryBuilder::new("INSERT INTO outbox (aggregate, aggregate_id, created_at) ");
        query.push_values(changed, |mut row, aggregate| {
            row.push_bind(aggregate.kind()).push_bind(aggregate.number()).push_bind(at.to_utc());
        });
        query.build().execute(self.0).await.map_err(fault)?;
        Ok(())
    }
}

impl<'e, E: MySqlExecutor<'e>> Outbox<E> {
    /// Aggregates with changes that may not be projected yet, the longest waiting first, without those in `tried`.
    ///
    /// Never by a cursor over ids: transactions commit in another order than they begin.
    pub async fn list(self, limit: u32, tried: &[Aggregate]) -> Result<Vec<Aggregate>, Fault> {
        // Rows of another kind are a newer version's, and left for it.
        let mut query = QueryBuilder::new(
            "SELECT aggregate, aggregate_id FROM outbox WHERE aggregate IN ('private', 'user', 'sessions')",
        );
        if !tried.is_empty() {
            query.push(" AND (aggregate, aggregate_id) NOT IN ");
            query.push_tuples(tried, |mut row, aggregate| {
                row.push_bind(aggregate.kind()).push_bind(aggregate.number());
            });
        }
        query.push(" GROUP BY aggregate, aggregate_id ORDER BY MIN(id) LIMIT ").push_bind(limit);
        let rows: Vec<(String, i32)> = query.build_query_as().fetch_all(self.0).await.map_err(fault)?;
        rows.iter().map(|(kind, number)| Aggregate::of(kind, *number).map_err(Fault::internal)).collect()
    }

    /// Those of some aggregates with changes that may not be projected yet; no round trip for none.
    pub async fn list_waiting(self, of: &[Aggregate]) -> Result<Vec<Aggregate>, Fault> {
        if of.is_empty() {
            return Ok(Vec::new());
        }
        // Not as a list of pairs, for which the whole index is read.
        let mut query = QueryBuilder::new("SELECT DISTINCT aggregate, aggregate_id FROM outbox WHERE ");
        let mut any = query.separated(" OR ");
        for aggregate in of {
            any.push("(aggregate = ").push_bind_unseparated(aggregate.kind());
            any.push_unseparated(" AND aggregate_id = ").push_bind_unseparated(aggregate.number());
            any.push_unseparated(")");
        }
        let rows: Vec<(String, i32)> = query.build_query_as().fetch_all(self.0).await.map_err(fault)?;
        rows.iter().map(|(kind, number)| Aggregate::of(kind, *number).map_err(Fault::internal)).collect()
    }

    /// Notes every person as changed, so that MongoDB learns of all of them again.
    pub async fn insert_everybody(self, at: Timestamp) -> Result<(), Fault> {
        sqlx::query(
            "INSERT INTO outbox (aggregate, aggregate_id, created_at)
             SELECT 'user', id, ?
             FROM users",
        )
        .bind(at.to_utc())
        .execute(self.0)
        .await
        .map_err(fault)?;
        Ok(())
    }

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

    /// Forgets all changes of what is not there.
    pub async fn remove_all(self, aggregate: Aggregate) -> Result<(), Fault> {
        sqlx::query(
            "DELETE FROM outbox
             WHERE aggregate = ? AND aggregate_id = ?",
        )
        .bind(aggregate.kind())
        .bind(aggregate.number())
        .execute(self.0)
        .await
        .map_err(fault)?;
        Ok(())
    }

    /// How many changes may not be projected yet.
    pub async fn count(self) -> Result<i64, Fault> {
        sqlx::query_scalar("SELECT COUNT(*) FROM outbox").fetch_one(self.0).await.map_err(fault)
    }
}

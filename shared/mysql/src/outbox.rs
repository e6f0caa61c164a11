use crate::fault::fault;
use domain::{Aggregate, Fault, Timestamp};
use sqlx::{MySqlConnection, MySqlExecutor, QueryBuilder};
use std::collections::HashSet;
use time::PrimitiveDateTime;

/// Changes that may not be projected to MongoDB yet, on the pool or in a transaction.
#[derive(Debug)]
pub struct Outbox<E>(pub(crate) E);

/// One committed change that may not be projected yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OutboxId(pub(crate) i64);

impl Outbox<&mut MySqlConnection> {
    /// Notes that aggregates changed in this transaction. Sends nothing if none did.
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
    /// Aggregates with changes that may not be projected yet and that were not tried since `before`, of at most `limit` changes;
    /// those first that were noted or tried the longest ago.
    ///
    /// Never by a cursor over ids: transactions commit in another order than they begin.
    pub async fn list(self, limit: u32, before: Timestamp) -> Result<Vec<Aggregate>, Fault> {
        // Two walks along the index, each of which ends at its limit. Rows of other kinds are left to the newer version that
        // wrote them.
        let rows: Vec<(String, i32)> = sqlx::query_as(
            "SELECT aggregate, aggregate_id
             FROM ((SELECT aggregate, aggregate_id, created_at AS since, id
                    FROM outbox FORCE INDEX (outbox_tried_idx)
                    WHERE tried_at IS NULL AND aggregate IN ('private', 'group', 'user', 'sessions')
                    ORDER BY id
                    LIMIT ?)
                   UNION ALL
                   (SELECT aggregate, aggregate_id, tried_at, id
                    FROM outbox FORCE INDEX (outbox_tried_idx)
                    WHERE tried_at < ? AND aggregate IN ('private', 'group', 'user', 'sessions')
                    ORDER BY tried_at, id
                    LIMIT ?)) waiting
             ORDER BY since, id
             LIMIT ?",
        )
        .bind(limit)
        .bind(before.to_utc())
        .bind(limit)
        .bind(limit)
        .fetch_all(self.0)
        .await
        .map_err(fault)?;
        let mut listed = HashSet::new();
        let aggregates = rows.iter().map(|(kind, number)| Aggregate::of(kind, *number).map_err(Fault::internal));
        aggregates.filter(|it| it.as_ref().map_or(true, |aggregate| listed.insert(*aggregate))).collect()
    }

    /// Those of some aggregates with changes that may not be projected yet. Sends nothing if there are none.
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

    /// Notes that an aggregate is about to be projected by `relay`.
    pub async fn note_try(self, aggregate: Aggregate, at: Timestamp) -> Result<(), Fault> {
        // Without the hint a small table is scanned, and all of it locked.
        sqlx::query(
            "UPDATE outbox FORCE INDEX (outbox_aggregate_idx)
             SET tried_at = ?
             WHERE aggregate = ? AND aggregate_id = ?",
        )
        .bind(at.to_utc())
        .bind(aggregate.kind())
        .bind(aggregate.number())
        .execute(self.0)
        .await
        .map_err(fault)?;
        Ok(())
    }

    /// Notes every person as changed, so that all are projected again.
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

    /// Removes changes that were projected. Sends nothing if there are none.
    pub async fn remove(self, ids: &[OutboxId]) -> Result<(), Fault> {
        if ids.is_empty() {
            return Ok(());
        }
        let mut query = QueryBuilder::new("DELETE FROM outbox WHERE id IN (");
        let mut list = query.separated(", ");
        for id in ids {
            list.push_bind(id.0);
        }
        // Not padded: for a long list the server scans a small table and locks all of it.
        query.push(")").build().persistent(ids.len() == 1).execute(self.0).await.map_err(fault)?;
        Ok(())
    }

    /// Removes all changes of an aggregate that does not exist.
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

    /// When the change was noted that waits for the longest, if any waits.
    pub async fn find_oldest(self) -> Result<Option<Timestamp>, Fault> {
        // Ids ascend in the order in which changes begin, but for some milliseconds.
        let oldest = sqlx::query_scalar::<_, PrimitiveDateTime>("SELECT created_at FROM outbox ORDER BY id LIMIT 1");
        let oldest = oldest.fetch_optional(self.0).await.map_err(fault)?;
        Ok(oldest.map(Timestamp::from))
    }

    /// How many changes may not be projected yet.
    pub async fn count(self) -> Result<i64, Fault> {
        sqlx::query_scalar("SELECT COUNT(*) FROM outbox").fetch_one(self.0).await.map_err(fault)
    }
}

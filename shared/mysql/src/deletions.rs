use crate::fault::fault;
use domain::{DeletionStep, Fault, Timestamp, UserId};
use sqlx::{FromRow, MySqlConnection, MySqlExecutor};
use time::PrimitiveDateTime;

/// Accounts that were deleted and of which something is left to do, on the pool or in a transaction.
#[derive(Debug)]
pub struct Deletions<E>(pub(crate) E);

/// How far the deletion of an account has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deletion {
    /// Whose account it was.
    pub user: UserId,
    /// What is done next.
    pub step: DeletionStep,
    /// Where in the step: what is before it is done.
    pub position: i64,
    /// When the account was deleted.
    pub created_at: Timestamp,
    /// Since when no request of its owner is let in, once that is so.
    pub closed_at: Option<Timestamp>,
}

impl Deletions<&mut MySqlConnection> {
    /// Notes that an account, whose row the transaction has locked, was deleted.
    pub async fn insert(self, user: UserId, at: Timestamp) -> Result<(), Fault> {
        sqlx::query(
            "INSERT INTO account_deletions (user_id, created_at)
             VALUES (?, ?)",
        )
        .bind(user.0)
        .bind(at.to_utc())
        .execute(self.0)
        .await
        .map_err(fault)?;
        Ok(())
    }
}

impl<'e, E: MySqlExecutor<'e>> Deletions<E> {
    /// Deletions that were not worked on since `before`, the least recent first.
    pub async fn list(self, limit: u32, before: Timestamp) -> Result<Vec<Deletion>, Fault> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT user_id, step, position, created_at, closed_at
             FROM account_deletions
             WHERE tried_at IS NULL OR tried_at < ?
             ORDER BY COALESCE(tried_at, created_at), user_id
             LIMIT ?",
        )
        .bind(before.to_utc())
        .bind(limit)
        .fetch_all(self.0)
        .await
        .map_err(fault)?;
        rows.into_iter().map(Deletion::try_from).collect()
    }

    /// How far a person's deletion has come; `None` where nothing is left to do.
    pub async fn find(self, user: UserId) -> Result<Option<Deletion>, Fault> {
        let row: Option<Row> = sqlx::query_as(
            "SELECT user_id, step, position, created_at, closed_at
             FROM account_deletions
             WHERE user_id = ?",
        )
        .bind(user.0)
        .fetch_optional(self.0)
        .await
        .map_err(fault)?;
        row.map(Deletion::try_from).transpose()
    }

    /// Notes that a deletion is about to be worked on.
    pub async fn note_try(self, user: UserId, at: Timestamp) -> Result<(), Fault> {
        sqlx::query(
            "UPDATE account_deletions
             SET tried_at = ?
             WHERE user_id = ?",
        )
        .bind(at.to_utc())
        .bind(user.0)
        .execute(self.0)
        .await
        .map_err(fault)?;
        Ok(())
    }

    /// Moves a deletion on; false if another run has moved it since it was read.
    pub async fn advance(self, from: &Deletion, to: &Deletion) -> Result<bool, Fault> {
        let outcome = sqlx::query(
            "UPDATE account_deletions
             SET step = ?, position = ?, closed_at = ?
             WHERE user_id = ? AND step = ? AND position = ?",
        )
        .bind(to.step.as_str())
        .bind(to.position)
        .bind(to.closed_at.map(Timestamp::to_utc))
        .bind(from.user.0)
        .bind(from.step.as_str())
        .bind(from.position)
        .execute(self.0)
        .await
        .map_err(fault)?;
        Ok(outcome.rows_affected() == 1)
    }

    /// Forgets a deletion of which nothing is left to do; false if another run has moved or forgotten it since it was read.
    pub async fn remove(self, done: &Deletion) -> Result<bool, Fault> {
        let outcome = sqlx::query(
            "DELETE FROM account_deletions
             WHERE user_id = ? AND step = ? AND position = ?",
        )
        .bind(done.user.0)
        .bind(done.step.as_str())
        .bind(done.position)
        .execute(self.0)
        .await
        .map_err(fault)?;
        Ok(outcome.rows_affected() == 1)
    }
}

#[derive(FromRow)]
struct Row {
    user_id: i32,
    step: String,
    position: i64,
    created_at: PrimitiveDateTime,
    closed_at: Option<PrimitiveDateTime>,
}

impl TryFrom<Row> for Deletion {
    type Error = Fault;

    fn try_from(row: Row) -> Result<Self, Fault> {
        Ok(Self {
            user: UserId(row.user_id),
            step: row.step.parse().map_err(Fault::internal)?,
            position: row.position,
            created_at: row.created_at.into(),
            closed_at: row.closed_at.map(Timestamp::from),
        })
    }
}

use crate::{fault::fault, users::ProfileRow};
use domain::{Fault, Page, PageSize, Participant, Timestamp, UserId};
use sqlx::{FromRow, MySqlExecutor};
use time::PrimitiveDateTime;

/// Who blocked whom, on the pool or in a transaction.
#[derive(Debug)]
pub struct Blocks<E>(pub(crate) E);

/// Someone whom a person blocked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocked {
    /// Whom, as the one who blocked them sees them.
    pub user: Participant,
    /// When.
    pub at: Timestamp,
}

impl<'e, E: MySqlExecutor<'e>> Blocks<E> {
    /// Those of two people who have blocked the other one.
    pub async fn list_between(self, pair: [UserId; 2]) -> Result<Vec<UserId>, Fault> {
        let ids: Vec<i32> = sqlx::query_scalar(
            "SELECT user_id
             FROM block_users
             WHERE user_id = ? AND blocked_user_id = ?
             UNION ALL
             SELECT user_id
             FROM block_users
             WHERE user_id = ? AND blocked_user_id = ?",
        )
        .bind(pair[0].0)
        .bind(pair[1].0)
        .bind(pair[1].0)
        .bind(pair[0].0)
        .fetch_all(self.0)
        .await
        .map_err(fault)?;
        Ok(ids.into_iter().map(UserId).collect())
    }

    /// Someone's block of another one.
    pub async fn find(self, by: UserId, blocked: UserId) -> Result<Option<Blocked>, Fault> {
        let row: Option<BlockRow> = sqlx::query_as(
            "SELECT u.id, u.username, u.display_name, u.status_message, u.avatar_id, u.avatar_hash, b.created_at,
                    u.is_active AND NOT EXISTS (
                        SELECT 1 FROM block_users x WHERE x.user_id = u.id AND x.blocked_user_id = b.user_id) AS is_available
             FROM block_users b
             JOIN users u ON u.id = b.blocked_user_id
             WHERE b.user_id = ? AND b.blocked_user_id = ?",
        )
        .bind(by.0)
        .bind(blocked.0)
        .fetch_optional(self.0)
        .await
        .map_err(fault)?;
        Ok(row.map(Blocked::from))
    }

    /// Whom someone blocked, by id.
    pub async fn list(self, by: UserId, after: Option<UserId>, size: PageSize) -> Result<Page<Blocked, UserId>, Fault> {
        let rows: Vec<BlockRow> = sqlx::query_as(
            "SELECT u.id, u.username, u.display_name, u.status_message, u.avatar_id, u.avatar_hash, b.created_at,
                    u.is_active AND NOT EXISTS (
                        SELECT 1 FROM block_users x WHERE x.user_id = u.id AND x.blocked_user_id = b.user_id) AS is_available
             FROM block_users b
             JOIN users u ON u.id = b.blocked_user_id
             WHERE b.user_id = ? AND b.blocked_user_id > ?
             ORDER BY b.blocked_user_id
             LIMIT ?",
        )
        .bind(by.0)
        .bind(after.map_or(0, |user| user.0))
        .bind(size.and_one())
        .fetch_all(self.0)
        .await
        .map_err(fault)?;
        Ok(Page::cut(rows.into_iter().map(Blocked::from).collect(), size, |blocked: &Blocked| blocked.user.profile.id))
    }

    /// How many people someone has blocked.
    pub async fn count(self, by: UserId) -> Result<i64, Fault> {
        sqlx::query_scalar(
            "SELECT COUNT(*)
             FROM block_users
             WHERE user_id = ?",
        )
        .bind(by.0)
        .fetch_one(self.0)
        .await
        .map_err(fault)
    }

    /// Adds a block between two people whose rows the transaction has locked.
    pub async fn insert(self, by: UserId, blocked: UserId, at: Timestamp) -> Result<(), Fault> {
        sqlx::query(
            "INSERT INTO block_users (user_id, blocked_user_id, created_at)
             VALUES (?, ?, ?)",
        )
        .bind(by.0)
        .bind(blocked.0)
        .bind(at.to_utc())
        .execute(self.0)
        .await
        .map_err(fault)?;
        Ok(())
    }

    /// Removes at most so many of a person's blocks; answers how many.
    pub async fn remove_some(self, by: UserId, limit: u32) -> Result<u64, Fault> {
        let outcome = sqlx::query(
            "DELETE FROM block_users
             WHERE user_id = ?
             ORDER BY blocked_user_id
             LIMIT ?",
        )
        .bind(by.0)
        .bind(limit)
        .execute(self.0)
        .await
        .map_err(fault)?;
        Ok(outcome.rows_affected())
    }

    /// Removes a block; false if there was none.
    pub async fn remove(self, by: UserId, blocked: UserId) -> Result<bool, Fault> {
        let outcome = sqlx::query(
            "DELETE FROM block_users
             WHERE user_id = ? AND blocked_user_id = ?",
        )
        .bind(by.0)
        .bind(blocked.0)
        .execute(self.0)
        .await
        .map_err(fault)?;
        Ok(outcome.rows_affected() == 1)
    }
}

#[derive(FromRow)]
struct BlockRow {
    #[sqlx(flatten)]
    user: ProfileRow,
    created_at: PrimitiveDateTime,
    is_available: bool,
}

impl From<BlockRow> for Blocked {
    fn from(row: BlockRow) -> Self {
        let user = Participant { profile: row.user.into(), is_available: row.is_available };
        Self { user, at: row.created_at.into() }
    }
}

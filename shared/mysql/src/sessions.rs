use crate::{OutboxId, fault::fault};
use domain::{Family, Fault, Page, PageSize, Session, SessionId, Timestamp, UserId};
use sqlx::{FromRow, MySqlConnection, MySqlExecutor, QueryBuilder};
use std::{ops::RangeInclusive, time::Duration};
use time::PrimitiveDateTime;

/// Logins, on the pool or in a transaction.
#[derive(Debug)]
pub struct Sessions<E>(pub(crate) E);

/// A login on one device, with the first generation of its refresh tokens.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// Which.
    pub id: SessionId,
    /// Whose.
    pub user: UserId,
    /// What the device calls itself; cut to 255 characters.
    pub user_agent: Option<String>,
    /// When they logged in.
    pub at: Timestamp,
    /// When it ends, however much it is used.
    pub expires_at: Timestamp,
}

/// Logins that ended while their access tokens may live, and the outbox rows that say so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Which.
    pub sessions: Vec<SessionId>,
    /// What need not be projected any more once they are refused.
    pub outbox: Vec<OutboxId>,
}

/// Where a page of logins begins: when the last one before it was made, in milliseconds, and which it was.
pub type SessionKey = (i64, SessionId);

impl<'e, E: MySqlExecutor<'e>> Sessions<E> {
    /// Adds a login of an active account whose password's hash is still the one that was checked; false otherwise. Waits for
    /// whoever is changing the account.
    pub async fn insert(self, new: NewSession, password_hash: &str) -> Result<bool, Fault> {
        let user_agent: Option<String> = new.user_agent.map(|text| text.chars().take(255).collect());
        let outcome = sqlx::query(
            "INSERT INTO sessions
                 (id, user_id, generation, user_agent, created_at, rotated_at, last_used_at, expires_at)
             SELECT ?, id, 1, ?, ?, ?, ?, ?
             FROM users
             WHERE id = ? AND is_active AND password_hash = ?",
        )
        .bind(new.id.0)
        .bind(user_agent)
        .bind(new.at.to_utc())
        .bind(new.at.to_utc())
        .bind(new.at.to_utc())
        .bind(new.expires_at.to_utc())
        .bind(new.user.0)
        .bind(password_hash)
        .execute(self.0)
        .await
        .map_err(fault)?;
        Ok(outcome.rows_affected() == 1)
    }

    /// A person's logins that are not over, the newest first.
    pub async fn list(
        self,
        user: UserId,
        before: Option<&SessionKey>,
        size: PageSize,
        now: Timestamp,
    ) -> Result<Page<Session, SessionKey>, Fault> {
        let newest = (now.plus(Duration::from_hours(24)).millis(), SessionId(String::new()));
        let (created, id) = before.unwrap_or(&newest);
        let rows: Vec<SessionRow> = sqlx::query_as(
            "SELECT id, user_agent, created_at, last_used_at
             FROM sessions FORCE INDEX (sessions_user_over_idx)
             WHERE user_id = ? AND over_at > ? AND revoked_at IS NULL
                 AND created_at <= ? AND (created_at < ? OR id < ?)
             ORDER BY created_at DESC, id DESC
             LIMIT ?",
        )
        .bind(user.0)
        .bind(now.to_utc())
        .bind(Timestamp::from_millis(*created).to_utc())
        .bind(Timestamp::from_millis(*created).to_utc())
        .bind(&id.0)
        .bind(size.and_one())
        .fetch_all(self.0)
        .await
        .map_err(fault)?;
        let key = |session: &Session| (session.created_at.millis(), session.id.clone());
        Ok(Page::cut(rows.into_iter().map(Session::from).collect(), size, key))
    }

    /// Which of a person's logins are not over.
    pub async fn list_live(self, user: UserId, now: Timestamp) -> Result<Vec<SessionId>, Fault> {
        let ids: Vec<String> = sqlx::query_scalar(
            "SELECT id
             FROM sessions FORCE INDEX (sessions_user_over_idx)
             WHERE user_id = ? AND over_at > ? AND revoked_at IS NULL",
        )
        .bind(user.0)
        .bind(now.to_utc())
        .fetch_all(self.0)
        .await
        .map_err(fault)?;
        Ok(ids.into_iter().map(SessionId).collect())
    }

    /// The newest of a person's live logins beyond `most`, `newest` being one that counts and stays.
    pub async fn find_excess(
        self,
        user: UserId,
        newest: &SessionId,
        most: u32,
        now: Timestamp,
    ) -> Result<Option<SessionKey>, Fault> {
        let row: Option<(PrimitiveDateTime, String)> = sqlx::query_as(
            "SELECT created_at, id
             FROM sessions FORCE INDEX (sessions_user_over_idx)
             WHERE user_id = ? AND over_at > ? AND revoked_at IS NULL AND id <> ?
             ORDER BY created_at DESC, id DESC
             LIMIT 1 OFFSET ?",
        )
        .bind(user.0)
        .bind(now.to_utc())
        .bind(&newest.0)
        .bind(most.saturating_sub(1))
        .fetch_optional(self.0)
        .await
        .map_err(fault)?;
        Ok(row.map(|(created_at, id)| (Timestamp::from(created_at).millis(), SessionId(id))))
    }

    /// Notes that a login has a new generation of refresh tokens, and the hash of the attempt that made it.
    pub async fn rotate(
        self,
        id: &SessionId,
        generation: u32,
        attempt_hash: Option<&str>,
        at: Timestamp,
    ) -> Result<(), Fault> {
        sqlx::query(
            "UPDATE sessions
             SET generation = ?, attempt_hash = ?, rotated_at = ?, last_used_at = ?
             WHERE id = ?",
        )
        .bind(generation)
        .bind(attempt_hash)
        .bind(at.to_utc())
        .bind(at.to_utc())
        .bind(&id.0)
        .execute(self.0)
        .await
        .map_err(fault)?;
        Ok(())
    }

    /// Ends a login of a person; one that has ended stays as it is. False if they have no such login.
    pub async fn revoke(self, id: &SessionId, user: UserId, at: Timestamp) -> Result<bool, Fault> {
        let outcome = sqlx::query(
            "UPDATE sessions
             SET revoked_at = COALESCE(revoked_at, ?)
             WHERE id = ? AND user_id = ?",
        )
        .bind(at.to_utc())
        .bind(&id.0)
        .bind(user.0)
        .execute(self.0)
        .await
        .map_err(fault)?;
        Ok(outcome.rows_affected() == 1)
    }

    /// Ends every login of a person but one; those that are over by themselves stay as they are.
    pub async fn revoke_others(self, kept: &SessionId, user: UserId, at: Timestamp) -> Result<(), Fault> {
        sqlx::query(
            "UPDATE sessions FORCE INDEX (sessions_user_over_idx)
             SET revoked_at = ?
             WHERE user_id = ? AND over_at > ? AND id <> ? AND revoked_at IS NULL",
        )
        .bind(at.to_utc())
        .bind(user.0)
        .bind(at.to_utc())
        .bind(&kept.0)
        .execute(self.0)
        .await
        .map_err(fault)?;
        Ok(())
    }

    /// Ends every login of a person; those that are over by themselves stay as they are.
    pub async fn revoke_all(self, user: UserId, at: Timestamp) -> Result<(), Fault> {
        sqlx::query(
            "UPDATE sessions FORCE INDEX (sessions_user_over_idx)
             SET revoked_at = ?
             WHERE user_id = ? AND over_at > ? AND revoked_at IS NULL",
        )
        .bind(at.to_utc())
        .bind(user.0)
        .bind(at.to_utc())
        .execute(self.0)
        .await
        .map_err(fault)?;
        Ok(())
    }

    /// Ends a person's live logins from one on back to the oldest, but for `kept`.
    pub async fn revoke_oldest(
        self,
        user: UserId,
        (created, id): &SessionKey,
        kept: &SessionId,
        at: Timestamp,
    ) -> Result<(), Fault> {
        sqlx::query(
            "UPDATE sessions FORCE INDEX (sessions_user_over_idx)
             SET revoked_at = ?
             WHERE user_id = ? AND over_at > ? AND id <> ? AND revoked_at IS NULL
                 AND created_at <= ? AND (created_at < ? OR id <= ?)",
        )
        .bind(at.to_utc())
        .bind(user.0)
        .bind(at.to_utc())
        .bind(&kept.0)
        .bind(Timestamp::from_millis(*created).to_utc())
        .bind(Timestamp::from_millis(*created).to_utc())
        .bind(&id.0)
        .execute(self.0)
        .await
        .map_err(fault)?;
        Ok(())
    }

    /// Ends every login of a person whose account is not active, so that none comes back with the account.
    pub async fn revoke_of_inactive(self, user: UserId, at: Timestamp) -> Result<(), Fault> {
        sqlx::query(
            "UPDATE sessions FORCE INDEX (sessions_user_over_idx)
             SET revoked_at = ?
             WHERE user_id = ? AND over_at > ? AND revoked_at IS NULL
                 AND NOT (SELECT is_active FROM users WHERE id = ?)",
        )
        .bind(at.to_utc())
        .bind(user.0)
        .bind(at.to_utc())
        .bind(user.0)
        .execute(self.0)
        .await
        .map_err(fault)?;
        Ok(())
    }

    /// Logins of a person that were ended after `since`, and so may have access tokens that live. Together with the outbox rows
    /// of these changes, in one snapshot.
    pub async fn list_ended(self, user: UserId, since: Timestamp) -> Result<Ended, Fault> {
        let rows: Vec<(Option<String>, Option<i64>)> = sqlx::query_as(
            "SELECT s.id, NULL
             FROM sessions s FORCE INDEX (sessions_user_over_idx)
             WHERE s.user_id = ? AND s.over_at > ? AND s.revoked_at IS NOT NULL
             UNION ALL
             SELECT NULL, id
             FROM outbox
             WHERE aggregate = 'sessions' AND aggregate_id = ?",
        )
        .bind(user.0)
        .bind(since.to_utc())
        .bind(user.0)
        .fetch_all(self.0)
        .await
        .map_err(fault)?;
        let sessions = rows.iter().filter_map(|(session, _)| session.clone().map(SessionId)).collect();
        Ok(Ended { sessions, outbox: rows.iter().filter_map(|(_, id)| id.map(OutboxId)).collect() })
    }

    /// Those of the people within some ids who have logins that were ended after `since`.
    pub async fn list_people_with_ended(
        self,
        people: RangeInclusive<UserId>,
        since: Timestamp,
    ) -> Result<Vec<UserId>, Fault> {
        let rows: Vec<i32> = sqlx::query_scalar(
            "SELECT DISTINCT user_id
             FROM sessions
             WHERE user_id BETWEEN ? AND ? AND over_at > ? AND revoked_at IS NOT NULL",
        )
        .bind(people.start().0)
        .bind(people.end().0)
        .bind(since.to_utc())
        .fetch_all(self.0)
        .await
        .map_err(fault)?;
        Ok(rows.into_iter().map(UserId).collect())
    }

    /// Logins that were over before a moment and whose they are, at most `limit`, the longest gone first.
    pub async fn list_over(self, before: Timestamp, limit: u32) -> Result<Vec<(UserId, SessionId)>, Fault> {
        let rows: Vec<(i32, String)> = sqlx::query_as(
            "SELECT user_id, id
             FROM sessions
             WHERE over_at < ?
             ORDER BY over_at
             LIMIT ?",
        )
        .bind(before.to_utc())
        .bind(limit)
        .fetch_all(self.0)
        .await
        .map_err(fault)?;
        Ok(rows.into_iter().map(|(user, session)| (UserId(user), SessionId(session))).collect())
    }

    /// Forgets those of some logins that were over before a moment; answers how many.
    pub async fn remove_over(self, sessions: &[(UserId, SessionId)], before: Timestamp) -> Result<u64, Fault> {
        if sessions.is_empty() {
            return Ok(0);
        }
        let mut query = QueryBuilder::new("DELETE FROM sessions WHERE id IN (");
        let mut list = query.separated(", ");
        for (_, session) in sessions {
            list.push_bind(&session.0);
        }
        query.push(") AND over_at < ").push_bind(before.to_utc());
        Ok(query.build().execute(self.0).await.map_err(fault)?.rows_affected())
    }

    /// Whose some logins are.
    pub async fn list_owners(self, sessions: &[SessionId]) -> Result<Vec<(UserId, SessionId)>, Fault> {
        if sessions.is_empty() {
            return Ok(Vec::new());
        }
        let mut query = QueryBuilder::new("SELECT user_id, id FROM sessions WHERE id IN (");
        let mut list = query.separated(", ");
        for session in sessions {
            list.push_bind(&session.0);
        }
        query.push(")");
        let rows: Vec<(i32, String)> = query.build_query_as().fetch_all(self.0).await.map_err(fault)?;
        Ok(rows.into_iter().map(|(user, session)| (UserId(user), SessionId(session))).collect())
    }
}

impl Sessions<&mut MySqlConnection> {
    /// A login's refresh tokens, locked until the transaction ends.
    pub async fn lock(self, id: &SessionId) -> Result<Option<Family>, Fault> {
        let row: Option<FamilyRow> = sqlx::query_as(
            "SELECT s.id, s.user_id, s.generation, s.attempt_hash, s.rotated_at, s.expires_at,
                    s.revoked_at IS NULL AND (SELECT u.is_active FROM users u WHERE u.id = s.user_id) AS is_live
             FROM sessions s
             WHERE s.id = ?
             FOR UPDATE",
        )
        .bind(&id.0)
        .fetch_optional(self.0)
        .await
        .map_err(fault)?;
        row.map(Family::try_from).transpose()
    }
}

#[derive(FromRow)]
struct SessionRow {
    id: String,
    user_agent: Option<String>,
    created_at: PrimitiveDateTime,
    last_used_at: PrimitiveDateTime,
}

impl From<SessionRow> for Session {
    fn from(row: SessionRow) -> Self {
        Self {
            id: SessionId(row.id),
            user_agent: row.user_agent,
            created_at: row.created_at.into(),
            last_used_at: row.last_used_at.into(),
        }
    }
}

#[derive(FromRow)]
struct FamilyRow {
    id: String,
    user_id: i32,
    generation: i32,
    attempt_hash: Option<String>,
    rotated_at: PrimitiveDateTime,
    expires_at: PrimitiveDateTime,
    is_live: bool,
}

impl TryFrom<FamilyRow> for Family {
    type Error = Fault;

    fn try_from(row: FamilyRow) -> Result<Self, Fault> {
        Ok(Self {
            id: SessionId(row.id),
            user: UserId(row.user_id),
            generation: u32::try_from(row.generation).map_err(Fault::internal)?,
            attempt_hash: row.attempt_hash,
            rotated_at: row.rotated_at.into(),
            expires_at: row.expires_at.into(),
            is_live: row.is_live,
        })
    }
}

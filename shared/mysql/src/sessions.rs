use crate::fault::fault;
use domain::{Fault, SessionId, Timestamp, UserId};
use sqlx::MySqlExecutor;

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

impl<'e, E: MySqlExecutor<'e>> Sessions<E> {
    /// Adds a login.
    pub async fn insert(self, new: NewSession) -> Result<(), Fault> {
        let user_agent: Option<String> = new.user_agent.map(|text| text.chars().take(255).collect());
        sqlx::query(
            "INSERT INTO sessions
                 (id, user_id, generation, user_agent, created_at, rotated_at, last_used_at, expires_at)
             VALUES (?, ?, 1, ?, ?, ?, ?, ?)",
        )
        .bind(new.id.0)
        .bind(new.user.0)
        .bind(user_agent)
        .bind(new.at.to_utc())
        .bind(new.at.to_utc())
        .bind(new.at.to_utc())
        .bind(new.expires_at.to_utc())
        .execute(self.0)
        .await
        .map_err(fault)?;
        Ok(())
    }
}

use crate::fault::fault;
use domain::{Fault, PresenceVisibility, Privacy, PrivacyPatch, Timestamp, UserId};
use sqlx::{FromRow, MySqlExecutor};

/// What others may learn of people, on the pool or in a transaction; who has no row has the defaults.
#[derive(Debug)]
pub struct Settings<E>(pub(crate) E);

impl<'e, E: MySqlExecutor<'e>> Settings<E> {
    /// Changes the settings of somebody whose row in `users` the transaction has locked. Sends nothing if nothing changes.
    pub async fn update(self, user: UserId, patch: PrivacyPatch, at: Timestamp) -> Result<(), Fault> {
        if patch.is_empty() {
            return Ok(());
        }
        let first = Privacy::default();
        let PrivacyPatch { presence_visibility, read_receipts } = patch;
        sqlx::query(
            "INSERT INTO user_settings (user_id, presence_visibility, read_receipts, updated_at)
             VALUES (?, ?, ?, ?)
             ON DUPLICATE KEY UPDATE
                 presence_visibility = COALESCE(?, presence_visibility),
                 read_receipts = COALESCE(?, read_receipts),
                 updated_at = ?",
        )
        .bind(user.0)
        .bind(presence_visibility.unwrap_or(first.presence_visibility).as_str())
        .bind(read_receipts.unwrap_or(first.read_receipts))
        .bind(at.to_utc())
        .bind(presence_visibility.map(PresenceVisibility::as_str))
        .bind(read_receipts)
        .bind(at.to_utc())
        .execute(self.0)
        .await
        .map_err(fault)?;
        Ok(())
    }

    /// Forgets the settings of somebody.
    pub async fn remove(self, user: UserId) -> Result<(), Fault> {
        sqlx::query(
            "DELETE FROM user_settings
             WHERE user_id = ?",
        )
        .bind(user.0)
        .execute(self.0)
        .await
        .map_err(fault)?;
        Ok(())
    }
}

/// Both are null where somebody has no row.
#[derive(FromRow)]
pub(crate) struct PrivacyRow {
    presence_visibility: Option<String>,
    read_receipts: Option<bool>,
}

impl From<PrivacyRow> for Privacy {
    fn from(row: PrivacyRow) -> Self {
        let first = Self::default();
        // A word of a newer version is one that shows less.
        let visibility = |word: String| word.parse().unwrap_or(PresenceVisibility::Nobody);
        Self {
            presence_visibility: row.presence_visibility.map_or(first.presence_visibility, visibility),
            read_receipts: row.read_receipts.unwrap_or(first.read_receipts),
        }
    }
}

use crate::fault::fault;
use domain::{Fault, Locale, MailKind, Timestamp, UserId};
use sqlx::{FromRow, MySqlConnection, MySqlExecutor};
use time::PrimitiveDateTime;

/// Mails that wait to be sent, and the tokens in those that were, on the pool or in a transaction. An address has one mail of each
/// kind: a newer one takes its place.
#[derive(Debug)]
pub struct Mails<E>(pub(crate) E);

/// A mail to be sent, and the token in it.
#[derive(Debug, Clone)]
pub struct NewMail {
    /// What it is for.
    pub kind: MailKind,
    /// What the token is made of, 64 hex digits.
    pub seed: String,
    /// The token's form at rest; it also names the mail.
    pub token_hash: String,
    /// When it was asked for.
    pub at: Timestamp,
}

/// A mail that waits.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    /// The address that it is to, case-folded.
    email_fold: String,
    /// What it is for.
    pub kind: MailKind,
    /// What the token is made of.
    pub seed: String,
    /// The token's form at rest.
    pub token_hash: String,
    /// How often it was tried.
    pub tries: u32,
    /// When its token ends.
    pub expires_at: Timestamp,
    /// Whose it is: nobody's where the address has no active account.
    pub recipient: Option<Recipient>,
}

/// Who gets a mail, as of now.
#[derive(Clone, PartialEq, Eq)]
pub struct Recipient {
    /// Who.
    pub user: UserId,
    /// Their address as they wrote it.
    pub address: String,
    /// The language that they are written to in.
    pub locale: Locale,
    /// Whether they have shown before that they read its mail.
    pub is_verified: bool,
}

impl<'e, E: MySqlExecutor<'e>> Mails<E> {
    /// Adds a mail to an address, known or not, and forgets the one of the same kind before it. The statement is the same whether an
    /// account has the address.
    pub async fn insert(self, email_fold: &str, new: &NewMail) -> Result<(), Fault> {
        sqlx::query(
            "INSERT INTO mails (kind, email_fold, seed, token_hash, created_at, expires_at, due_at)
             VALUES (?, ?, ?, ?, ?, ?, ?)
             ON DUPLICATE KEY UPDATE seed = VALUES(seed), token_hash = VALUES(token_hash), created_at = VALUES(created_at),
                 expires_at = VALUES(expires_at), tries = 0, due_at = VALUES(due_at)",
        )
        .bind(new.kind.as_str())
        .bind(email_fold)
        .bind(&new.seed)
        .bind(&new.token_hash)
        .bind(new.at.to_utc())
        .bind(new.at.plus(new.kind.life()).to_utc())
        .bind(new.at.to_utc())
        .execute(self.0)
        .await
        .map_err(fault)?;
        Ok(())
    }

    /// The same for the address of an active account that is not verified; adds nothing for any other.
    pub async fn insert_for_unverified(self, user: UserId, new: &NewMail) -> Result<(), Fault> {
        sqlx::query(
            "INSERT INTO mails (kind, email_fold, seed, token_hash, created_at, expires_at, due_at)
             SELECT ?, email_fold, ?, ?, ?, ?, ?
             FROM users
             WHERE id = ? AND is_active AND email_verified_at IS NULL
             ON DUPLICATE KEY UPDATE seed = VALUES(seed), token_hash = VALUES(token_hash), created_at = VALUES(created_at),
                 expires_at = VALUES(expires_at), tries = 0, due_at = VALUES(due_at)",
        )
        .bind(new.kind.as_str())
        .bind(&new.seed)
        .bind(&new.token_hash)
        .bind(new.at.to_utc())
        .bind(new.at.plus(new.kind.life()).to_utc())
        .bind(new.at.to_utc())
        .bind(user.0)
        .execute(self.0)
        .await
        .map_err(fault)?;
        Ok(())
    }

    /// A mail that waits and is due; `None` if it was replaced, tried or taken meanwhile.
    pub async fn find_due(self, token_hash: &str, now: Timestamp) -> Result<Option<Mail>, Fault> {
        let row: Option<MailRow> = sqlx::query_as(
            "SELECT m.email_fold, m.kind, m.seed, m.token_hash, m.tries, m.expires_at, u.id AS user_id, u.email, u.locale,
                    u.email_verified_at IS NOT NULL AS is_verified
             FROM mails m
             LEFT JOIN users u ON u.email_fold = m.email_fold AND u.is_active
             WHERE m.token_hash = ? AND m.due_at <= ? AND m.kind IN ('verify_email', 'reset_password')",
        )
        .bind(token_hash)
        .bind(now.to_utc())
        .fetch_optional(self.0)
        .await
        .map_err(fault)?;
        row.map(Mail::try_from).transpose()
    }

    /// Mails that are due, the longest waiting first. Those of other kinds are left to the newer version that wrote them.
    pub async fn list_due(self, now: Timestamp, limit: u32) -> Result<Vec<Mail>, Fault> {
        let rows: Vec<MailRow> = sqlx::query_as(
            "SELECT m.email_fold, m.kind, m.seed, m.token_hash, m.tries, m.expires_at, u.id AS user_id, u.email, u.locale,
                    u.email_verified_at IS NOT NULL AS is_verified
             FROM mails m FORCE INDEX (mails_due_at_idx)
             LEFT JOIN users u ON u.email_fold = m.email_fold AND u.is_active
             WHERE m.due_at <= ? AND m.kind IN ('verify_email', 'reset_password')
             ORDER BY m.due_at
             LIMIT ?",
        )
        .bind(now.to_utc())
        .bind(limit)
        .fetch_all(self.0)
        .await
        .map_err(fault)?;
        rows.into_iter().map(Mail::try_from).collect()
    }

    /// Notes that a mail is about to be tried, and when it is due again if nobody says what became of it. False if somebody else
    /// tries it, or it is not there any more.
    pub async fn begin_try(self, mail: &Mail, next: Timestamp) -> Result<bool, Fault> {
        let outcome = sqlx::query(
            "UPDATE mails FORCE INDEX (PRIMARY)
             SET tries = tries + 1, due_at = ?
             WHERE email_fold = ? AND kind = ? AND token_hash = ? AND tries = ? AND due_at IS NOT NULL",
        )
        .bind(next.to_utc())
        .bind(&mail.email_fold)
        .bind(mail.kind.as_str())
        .bind(&mail.token_hash)
        .bind(mail.tries)
        .execute(self.0)
        .await
        .map_err(fault)?;
        Ok(outcome.rows_affected() == 1)
    }

    /// Notes that a mail waits no more: it was sent, given up, or is nobody's. Its token stays until it is used or late.
    pub async fn settle(self, mail: &Mail) -> Result<(), Fault> {
        // Rows are locked by their primary key everywhere, or a newer mail and the end of an older one would be in a deadlock.
        sqlx::query(
            "UPDATE mails FORCE INDEX (PRIMARY)
             SET due_at = NULL
             WHERE email_fold = ? AND kind = ? AND token_hash = ?",
        )
        .bind(&mail.email_fold)
        .bind(mail.kind.as_str())
        .bind(&mail.token_hash)
        .execute(self.0)
        .await
        .map_err(fault)?;
        Ok(())
    }

    /// Whose active account has the address that a token was sent to, while it is valid.
    pub async fn find_owner(self, kind: MailKind, token_hash: &str, now: Timestamp) -> Result<Option<UserId>, Fault> {
        let id: Option<i32> = sqlx::query_scalar(
            "SELECT u.id
             FROM mails m
             JOIN users u ON u.email_fold = m.email_fold AND u.is_active
             WHERE m.token_hash = ? AND m.kind = ? AND m.expires_at > ?",
        )
        .bind(token_hash)
        .bind(kind.as_str())
        .bind(now.to_utc())
        .fetch_optional(self.0)
        .await
        .map_err(fault)?;
        Ok(id.map(UserId))
    }

    /// Forgets mails whose tokens ended before a moment, at most `limit`; answers how many.
    pub async fn remove_expired(self, before: Timestamp, limit: u32) -> Result<u64, Fault> {
        let outcome = sqlx::query(
            "DELETE FROM mails
             WHERE expires_at < ?
             ORDER BY expires_at
             LIMIT ?",
        )
        .bind(before.to_utc())
        .bind(limit)
        .execute(self.0)
        .await
        .map_err(fault)?;
        Ok(outcome.rows_affected())
    }

    /// How many mails wait.
    pub async fn count_waiting(self) -> Result<i64, Fault> {
        sqlx::query_scalar("SELECT COUNT(*) FROM mails WHERE due_at IS NOT NULL").fetch_one(self.0).await.map_err(fault)
    }
}

impl Mails<&mut MySqlConnection> {
    /// Uses a token up: true for the one transaction that does, if it is valid and was sent to the address that this account has.
    /// Comes after a lock of the account, so that of several who present one token the first one wins.
    pub async fn take(self, kind: MailKind, token_hash: &str, user: UserId, now: Timestamp) -> Result<bool, Fault> {
        let outcome = sqlx::query(
            "DELETE m
             FROM users u
             JOIN mails m FORCE INDEX (PRIMARY) ON m.email_fold = u.email_fold AND m.kind = ?
             WHERE u.id = ? AND m.token_hash = ? AND m.expires_at > ?",
        )
        .bind(kind.as_str())
        .bind(user.0)
        .bind(token_hash)
        .bind(now.to_utc())
        .execute(self.0)
        .await
        .map_err(fault)?;
        Ok(outcome.rows_affected() == 1)
    }

    /// Forgets the mail of a kind to the address of an account, sent or not: its token is worth nothing any more.
    pub async fn remove_of(self, user: UserId, kind: MailKind) -> Result<(), Fault> {
        sqlx::query(
            "DELETE m
             FROM users u
             JOIN mails m FORCE INDEX (PRIMARY) ON m.email_fold = u.email_fold AND m.kind = ?
             WHERE u.id = ?",
        )
        .bind(kind.as_str())
        .bind(user.0)
        .execute(self.0)
        .await
        .map_err(fault)?;
        Ok(())
    }
}

#[derive(FromRow)]
struct MailRow {
    email_fold: String,
    kind: String,
    seed: String,
    token_hash: String,
    tries: i32,
    expires_at: PrimitiveDateTime,
    user_id: Option<i32>,
    email: Option<String>,
    locale: Option<String>,
    is_verified: Option<bool>,
}

impl TryFrom<MailRow> for Mail {
    type Error = Fault;

    fn try_from(row: MailRow) -> Result<Self, Fault> {
        let recipient = row.user_id.zip(row.email).map(|(user, address)| Recipient {
            user: UserId(user),
            address,
            locale: row.locale.as_deref().and_then(Locale::of_tag).unwrap_or_default(),
            is_verified: row.is_verified.unwrap_or_default(),
        });
        Ok(Self {
            email_fold: row.email_fold,
            kind: MailKind::of(&row.kind).ok_or_else(|| Fault::internal("a mail of an unknown kind"))?,
            seed: row.seed,
            token_hash: row.token_hash,
            tries: u32::try_from(row.tries).map_err(Fault::internal)?,
            expires_at: row.expires_at.into(),
            recipient,
        })
    }
}

// Neither shows an address.
impl std::fmt::Debug for Mail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { kind, tries, recipient, .. } = self;
        f.debug_struct("Mail")
            .field("kind", kind)
            .field("tries", tries)
            .field("recipient", recipient)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Recipient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recipient").field("user", &self.user).finish_non_exhaustive()
    }
}

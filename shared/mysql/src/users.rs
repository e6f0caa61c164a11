use crate::{fault::fault, lists::push_list, settings::PrivacyRow};
use domain::{
    Code, DisplayName, Email, Fault, Locale, Patch, Picture, Privacy, Profile, StatusMessage, Timestamp, User, UserId,
    Username,
};
use sqlx::{FromRow, MySqlConnection, MySqlExecutor, QueryBuilder};
use time::PrimitiveDateTime;

/// People, on the pool or in a transaction.
#[derive(Debug)]
pub struct Users<E>(pub(crate) E);

/// Someone who signs up.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// Their address.
    pub email: Email,
    /// Their unique name.
    pub username: Username,
    /// The name that others see.
    pub display_name: Option<DisplayName>,
    /// The hash of their password, in PHC form.
    pub password_hash: String,
    /// The language that they are written to in.
    pub locale: Locale,
    /// When they signed up.
    pub at: Timestamp,
}

/// What a login is checked against.
#[derive(Clone)]
pub struct Credentials {
    /// Who.
    pub user: UserId,
    /// The hash of their password, in PHC form.
    pub password_hash: String,
    /// Whether they may log in.
    pub is_active: bool,
    /// How many of their logins are live or ended lately.
    pub sessions: i64,
}

/// What someone changes of their account; what is absent stays.
#[derive(Debug, Clone, Default)]
pub struct AccountPatch {
    /// Another shown name, or none.
    pub display_name: Patch<DisplayName>,
    /// Another line about themselves, or none.
    pub status_message: Patch<StatusMessage>,
    /// Another language.
    pub locale: Option<Locale>,
}

impl<'e, E: MySqlExecutor<'e>> Users<E> {
    /// Adds someone. `EmailTaken` if someone has the address in whatever case, `UsernameTaken` if someone has a name that looks
    /// like it.
    pub async fn insert(self, new: NewUser) -> Result<User, Fault> {
        let outcome = sqlx::query(
            "INSERT INTO users
                 (email, email_fold, password_hash, username, username_fold, username_skeleton, display_name, locale, created_at,
                  updated_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(new.email.as_str())
        .bind(new.email.fold())
        .bind(new.password_hash)
        .bind(new.username.as_str())
        .bind(new.username.fold())
        .bind(new.username.skeleton())
        .bind(new.display_name.as_ref().map(DisplayName::as_str))
        .bind(new.locale.as_str())
        .bind(new.at.to_utc())
        .bind(new.at.to_utc())
        .execute(self.0)
        .await
        .map_err(fault)?;
        let profile = Profile {
            id: UserId(i32::try_from(outcome.last_insert_id()).map_err(Fault::internal)?),
            username: new.username.as_str().to_owned(),
            display_name: new.display_name.map(|name| name.as_str().to_owned()),
            status_message: None,
            avatar: None,
        };
        let email = new.email.as_str().to_owned();
        Ok(User {
            profile,
            email,
            email_verified: false,
            locale: new.locale,
            privacy: Privacy::default(),
            created_at: new.at,
            updated_at: new.at,
        })
    }

    /// Someone whose account is active.
    pub async fn find(self, id: UserId) -> Result<Option<User>, Fault> {
        let row: Option<UserRow> = sqlx::query_as(
            "SELECT u.id, u.username, u.display_name, u.status_message, u.avatar_id, u.avatar_hash, u.email,
                    u.email_verified_at IS NOT NULL AS email_verified, u.locale, u.created_at, u.updated_at,
                    s.presence_visibility, s.read_receipts
             FROM users u
             LEFT JOIN user_settings s ON s.user_id = u.id
             WHERE u.id = ? AND u.is_active",
        )
        .bind(id.0)
        .fetch_optional(self.0)
        .await
        .map_err(fault)?;
        Ok(row.map(User::from))
    }

    /// What a login is checked against, by the folded address; counts sessions that are live or ended after `since`.
    pub async fn find_credentials(self, email_fold: &str, since: Timestamp) -> Result<Option<Credentials>, Fault> {
        let row: Option<(i32, String, bool, i64)> = sqlx::query_as(
            "SELECT id, password_hash, is_active,
                    (SELECT COUNT(*)
                     FROM sessions s FORCE INDEX (sessions_user_over_idx)
                     WHERE s.user_id = users.id AND s.over_at > ?)
             FROM users
             WHERE email_fold = ?",
        )
        .bind(since.to_utc())
        .bind(email_fold)
        .fetch_optional(self.0)
        .await
        .map_err(fault)?;
        Ok(row.map(|(id, password_hash, is_active, sessions)| Credentials {
            user: UserId(id),
            password_hash,
            is_active,
            sessions,
        }))
    }

    /// The hash of someone's password, if the account is active.
    pub async fn find_password_hash(self, id: UserId) -> Result<Option<String>, Fault> {
        sqlx::query_scalar(
            "SELECT password_hash
             FROM users
             WHERE id = ? AND is_active",
        )
        .bind(id.0)
        .fetch_optional(self.0)
        .await
        .map_err(fault)
    }

    /// Replaces the hash of someone's password, unless it is not `old` any more; false then.
    pub async fn update_password_hash(self, id: UserId, old: &str, new: &str) -> Result<bool, Fault> {
        let outcome = sqlx::query(
            "UPDATE users
             SET password_hash = ?
             WHERE id = ? AND password_hash = ?",
        )
        .bind(new)
        .bind(id.0)
        .bind(old)
        .execute(self.0)
        .await
        .map_err(fault)?;
        Ok(outcome.rows_affected() == 1)
    }

    /// Whether someone's account was deleted.
    pub async fn is_deleted(self, id: UserId) -> Result<bool, Fault> {
        let found: Option<bool> = sqlx::query_scalar(
            "SELECT deleted_at IS NOT NULL
             FROM users
             WHERE id = ?",
        )
        .bind(id.0)
        .fetch_optional(self.0)
        .await
        .map_err(fault)?;
        Ok(found.unwrap_or_default())
    }

    /// Someone's profile and whether they are the viewer's friend, if the account is active and has not blocked the viewer.
    pub async fn find_visible(self, id: UserId, viewer: UserId) -> Result<Option<(Profile, bool)>, Fault> {
        let row: Option<VisibleRow> = sqlx::query_as(
            "SELECT u.id, u.username, u.display_name, u.status_message, u.avatar_id, u.avatar_hash,
                    EXISTS (SELECT 1 FROM friendships f
                            WHERE f.user_low = ? AND f.user_high = ? AND f.status = 'accepted') AS is_friend
             FROM users u
             WHERE u.id = ? AND u.is_active
                 AND NOT EXISTS (SELECT 1 FROM block_users b WHERE b.user_id = u.id AND b.blocked_user_id = ?)",
        )
        .bind(id.min(viewer).0)
        .bind(id.max(viewer).0)
        .bind(id.0)
        .bind(viewer.0)
        .fetch_optional(self.0)
        .await
        .map_err(fault)?;
        Ok(row.map(|row| (row.profile.into(), row.is_friend)))
    }

    /// The profiles of those among `ids` whose accounts are active, by id.
    pub async fn list_profiles(self, ids: &[UserId]) -> Result<Vec<Profile>, Fault> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut query = QueryBuilder::new(
            "SELECT id, username, display_name, status_message, avatar_id, avatar_hash FROM users WHERE is_active AND id IN ",
        );
        push_list(&mut query, ids.iter().map(|id| id.0));
        query.push(" ORDER BY id");
        let rows: Vec<ProfileRow> = query.build_query_as().fetch_all(self.0).await.map_err(fault)?;
        Ok(rows.into_iter().map(Profile::from).collect())
    }
}

impl Users<&mut MySqlConnection> {
    /// Locks the rows of people until the transaction ends, in the order of their ids, and answers whose accounts are active. Sends
    /// nothing if there are none.
    pub async fn lock(self, ids: &[UserId]) -> Result<Vec<UserId>, Fault> {
        let rows = self.lock_rows(ids).await?;
        Ok(rows.into_iter().filter(|(_, is_active)| *is_active).map(|(id, _)| UserId(id)).collect())
    }

    /// The same of two people. `UserNotFound` if one is missing.
    pub async fn lock_pair(self, pair: [UserId; 2]) -> Result<Vec<UserId>, Fault> {
        let rows = self.lock_rows(&pair).await?;
        if rows.len() != 2 {
            return Err(Code::UserNotFound.into());
        }
        Ok(rows.into_iter().filter(|(_, is_active)| *is_active).map(|(id, _)| UserId(id)).collect())
    }

    async fn lock_rows(self, ids: &[UserId]) -> Result<Vec<(i32, bool)>, Fault> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        // Without the hint a small table is scanned, and everyone in it locked.
        let mut query = QueryBuilder::new("SELECT id, is_active FROM users FORCE INDEX (PRIMARY) WHERE id IN (");
        let mut list = query.separated(", ");
        for id in ids {
            list.push_bind(id.0);
        }
        query.push(") ORDER BY id FOR UPDATE");
        query.build_query_as().persistent(ids.len() <= 2).fetch_all(self.0).await.map_err(fault)
    }

    /// The same of two people whose accounts must both be active: `UserNotFound` otherwise.
    pub async fn lock_active_pair(self, pair: [UserId; 2]) -> Result<(), Fault> {
        let active = self.lock_pair(pair).await?;
        if active.len() == 2 { Ok(()) } else { Err(Code::UserNotFound.into()) }
    }

    /// Raises the version of people whose rows the transaction has locked. Sends nothing if there are none.
    pub async fn raise_versions(self, ids: &[UserId]) -> Result<(), Fault> {
        if ids.is_empty() {
            return Ok(());
        }
        let mut query = QueryBuilder::new("UPDATE users FORCE INDEX (PRIMARY) SET version = version + 1 WHERE id IN (");
        let mut list = query.separated(", ");
        for id in ids {
            list.push_bind(id.0);
        }
        query.push(")").build().persistent(ids.len() <= 2).execute(self.0).await.map_err(fault)?;
        Ok(())
    }

    /// Notes that the owner of an account has shown that they read its address' mail, raises its version and locks its row until the
    /// transaction ends; false if it is not active. Comes before every other statement of a change to it.
    pub async fn verify_email(self, id: UserId, at: Timestamp) -> Result<bool, Fault> {
        let outcome = sqlx::query(
            "UPDATE users
             SET email_verified_at = COALESCE(email_verified_at, ?), version = version + 1, updated_at = ?
             WHERE id = ? AND is_active",
        )
        .bind(at.to_utc())
        .bind(at.to_utc())
        .bind(id.0)
        .execute(self.0)
        .await
        .map_err(fault)?;
        Ok(outcome.rows_affected() == 1)
    }

    /// The same of somebody who also sets a password, whatever the old one was.
    pub async fn reset_password(self, id: UserId, password_hash: &str, at: Timestamp) -> Result<bool, Fault> {
        let outcome = sqlx::query(
            "UPDATE users
             SET password_hash = ?, email_verified_at = COALESCE(email_verified_at, ?), version = version + 1, updated_at = ?
             WHERE id = ? AND is_active",
        )
        .bind(password_hash)
        .bind(at.to_utc())
        .bind(at.to_utc())
        .bind(id.0)
        .execute(self.0)
        .await
        .map_err(fault)?;
        Ok(outcome.rows_affected() == 1)
    }

    /// Changes an account, raises its version and locks its row until the transaction ends; false if it is not active.
    /// Comes before every other statement of a change to it.
    pub async fn update(self, id: UserId, patch: &AccountPatch, at: Timestamp) -> Result<bool, Fault> {
        let mut query = QueryBuilder::new("UPDATE users SET version = version + 1, updated_at = ");
        query.push_bind(at.to_utc());
        match &patch.display_name {
            Patch::Keep => {}
            Patch::Clear => drop(query.push(", display_name = NULL")),
            Patch::Set(name) => drop(query.push(", display_name = ").push_bind(name.as_str())),
        }
        match &patch.status_message {
            Patch::Keep => {}
            Patch::Clear => drop(query.push(", status_message = NULL")),
            Patch::Set(message) => drop(query.push(", status_message = ").push_bind(message.as_str())),
        }
        if let Some(locale) = patch.locale {
            query.push(", locale = ").push_bind(locale.as_str());
        }
        query.push(" WHERE is_active AND id = ").push_bind(id.0);
        let outcome = query.build().execute(self.0).await.map_err(fault)?;
        Ok(outcome.rows_affected() == 1)
    }

    /// Gives an account another picture, or none, raises its version and locks its row until the transaction ends; false if it is not
    /// active. Comes before every other statement of a change to it.
    pub async fn update_avatar(self, id: UserId, avatar: Option<&Picture>, at: Timestamp) -> Result<bool, Fault> {
        let outcome = sqlx::query(
            "UPDATE users
             SET avatar_id = ?, avatar_hash = ?, version = version + 1, updated_at = ?
             WHERE id = ? AND is_active",
        )
        .bind(avatar.map(|avatar| avatar.id.to_string()))
        .bind(avatar.map(|avatar| avatar.thumbhash.as_str()))
        .bind(at.to_utc())
        .bind(id.0)
        .execute(self.0)
        .await
        .map_err(fault)?;
        Ok(outcome.rows_affected() == 1)
    }

    /// Empties an active account whose password's hash is still the one that was checked, raises its version and locks its row
    /// until the transaction ends; false otherwise. Comes after the lock of the row and what is found by the address.
    ///
    /// The row stays. Its address and name are free again: what it is called now is nobody's address, and no name that anybody can
    /// take.
    pub async fn delete(self, id: UserId, password_hash: &str, at: Timestamp) -> Result<bool, Fault> {
        let outcome = sqlx::query(
            "UPDATE users
             SET email = CONCAT('deleted:', id), email_fold = CONCAT('deleted:', id), email_verified_at = NULL, password_hash = '!',
                 username = CONCAT('deleted:', id), username_fold = CONCAT('deleted:', id), username_skeleton = NULL,
                 display_name = NULL, status_message = NULL, avatar_id = NULL, avatar_hash = NULL, locale = 'en', is_active = FALSE, version = version + 1,
                 updated_at = ?, deleted_at = ?
             WHERE id = ? AND is_active AND password_hash = ?",
        )
        .bind(at.to_utc())
        .bind(at.to_utc())
        .bind(id.0)
        .bind(password_hash)
        .execute(self.0)
        .await
        .map_err(fault)?;
        Ok(outcome.rows_affected() == 1)
    }
}

#[derive(FromRow)]
pub(crate) struct ProfileRow {
    pub(crate) id: i32,
    username: String,
    display_name: Option<String>,
    status_message: Option<String>,
    avatar_id: Option<String>,
    avatar_hash: Option<String>,
}

impl From<ProfileRow> for Profile {
    fn from(row: ProfileRow) -> Self {
        let ProfileRow { id, username, display_name, status_message, avatar_id, avatar_hash } = row;
        Self { id: UserId(id), username, display_name, status_message, avatar: picture(avatar_id, avatar_hash) }
    }
}

/// The two columns of a picture.
pub(crate) fn picture(id: Option<String>, thumbhash: Option<String>) -> Option<Picture> {
    Some(Picture { id: id?.parse().ok()?, thumbhash: thumbhash? })
}

#[derive(FromRow)]
struct VisibleRow {
    #[sqlx(flatten)]
    profile: ProfileRow,
    is_friend: bool,
}

#[derive(FromRow)]
struct UserRow {
    #[sqlx(flatten)]
    profile: ProfileRow,
    email: String,
    email_verified: bool,
    locale: String,
    #[sqlx(flatten)]
    privacy: PrivacyRow,
    created_at: PrimitiveDateTime,
    updated_at: PrimitiveDateTime,
}

impl From<UserRow> for User {
    fn from(row: UserRow) -> Self {
        Self {
            profile: row.profile.into(),
            email: row.email,
            email_verified: row.email_verified,
            locale: Locale::of_tag(&row.locale).unwrap_or_default(),
            privacy: row.privacy.into(),
            created_at: row.created_at.into(),
            updated_at: row.updated_at.into(),
        }
    }
}

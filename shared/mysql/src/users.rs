use crate::fault::fault;
use domain::{Code, DisplayName, Email, Fault, Locale, Profile, Timestamp, User, UserId, Username};
use sqlx::{FromRow, MySqlConnection, MySqlExecutor, QueryBuilder};
use time::OffsetDateTime;

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
}

impl<'e, E: MySqlExecutor<'e>> Users<E> {
    /// Adds someone. `EmailTaken` or `UsernameTaken` when someone else has either, in whatever case or width.
    pub async fn insert(self, new: NewUser) -> Result<User, Fault> {
        let outcome = sqlx::query(
            "INSERT INTO users
                 (email, email_fold, password_hash, username, username_fold, display_name, locale, created_at, updated_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(new.email.as_str())
        .bind(new.email.fold())
        .bind(new.password_hash)
        .bind(new.username.as_str())
        .bind(new.username.fold())
        .bind(new.display_name.as_ref().map(DisplayName::as_str))
        .bind(locale_word(new.locale))
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
        };
        let email = new.email.as_str().to_owned();
        Ok(User { profile, email, locale: new.locale, created_at: new.at, updated_at: new.at })
    }

    /// Someone whose account is active.
    pub async fn find(self, id: UserId) -> Result<Option<User>, Fault> {
        let row: Option<UserRow> = sqlx::query_as(
            "SELECT id, username, display_name, status_message, email, locale, created_at, updated_at
             FROM users
             WHERE id = ? AND is_active",
        )
        .bind(id.0)
        .fetch_optional(self.0)
        .await
        .map_err(fault)?;
        Ok(row.map(User::from))
    }

    /// What a login is checked against, by the folded address.
    pub async fn find_credentials(self, email_fold: &str) -> Result<Option<Credentials>, Fault> {
        let row: Option<(i32, String, bool)> = sqlx::query_as(
            "SELECT id, password_hash, is_active
             FROM users
             WHERE email_fold = ?",
        )
        .bind(email_fold)
        .fetch_optional(self.0)
        .await
        .map_err(fault)?;
        Ok(row.map(|(id, password_hash, is_active)| Credentials { user: UserId(id), password_hash, is_active }))
    }

    /// The profiles of those among `ids` whose accounts are active, by id.
    pub async fn list_profiles(self, ids: &[UserId]) -> Result<Vec<Profile>, Fault> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut query = QueryBuilder::new(
            "SELECT id, username, display_name, status_message FROM users WHERE is_active AND id IN (",
        );
        let mut list = query.separated(", ");
        for id in ids {
            list.push_bind(id.0);
        }
        query.push(") ORDER BY id");
        let rows: Vec<ProfileRow> = query.build_query_as().fetch_all(self.0).await.map_err(fault)?;
        Ok(rows.into_iter().map(Profile::from).collect())
    }
}

impl Users<&mut MySqlConnection> {
    /// Locks both rows until the transaction ends, in the order of their ids. `UserNotFound` if one is missing or inactive.
    pub async fn lock_pair(self, pair: [UserId; 2]) -> Result<(), Fault> {
        // Without the hint a small table is scanned, and everyone in it locked.
        let active: Vec<bool> = sqlx::query_scalar(
            "SELECT is_active
             FROM users FORCE INDEX (PRIMARY)
             WHERE id IN (?, ?)
             ORDER BY id
             FOR UPDATE",
        )
        .bind(pair[0].0)
        .bind(pair[1].0)
        .fetch_all(self.0)
        .await
        .map_err(fault)?;
        if active == [true, true] { Ok(()) } else { Err(Code::UserNotFound.into()) }
    }
}

#[derive(FromRow)]
struct ProfileRow {
    id: i32,
    username: String,
    display_name: Option<String>,
    status_message: Option<String>,
}

impl From<ProfileRow> for Profile {
    fn from(row: ProfileRow) -> Self {
        let ProfileRow { id, username, display_name, status_message } = row;
        Self { id: UserId(id), username, display_name, status_message }
    }
}

#[derive(FromRow)]
struct UserRow {
    #[sqlx(flatten)]
    profile: ProfileRow,
    email: String,
    locale: String,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
}

impl From<UserRow> for User {
    fn from(row: UserRow) -> Self {
        Self {
            profile: row.profile.into(),
            email: row.email,
            locale: Locale::of_tag(&row.locale).unwrap_or_default(),
            created_at: row.created_at.into(),
            updated_at: row.updated_at.into(),
        }
    }
}

fn locale_word(locale: Locale) -> &'static str {
    locale.as_str()
}

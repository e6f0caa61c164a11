use crate::{fault::fault, users::ProfileRow};
use domain::{Fault, Friendship, FriendshipId, FriendshipStatus, FriendshipWith, Page, PageSize, Timestamp, UserId};
use sqlx::{FromRow, MySqlConnection, MySqlExecutor};
use time::OffsetDateTime;

/// Friends and requests, on the pool or in a transaction.
#[derive(Debug)]
pub struct Friendships<E>(pub(crate) E);

/// Which requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Those that somebody else made.
    Received,
    /// Those that the person made.
    Sent,
}

impl<'e, E: MySqlExecutor<'e>> Friendships<E> {
    /// A friendship or request, as it may have changed by now: `lock` it before a decision.
    pub async fn find(self, id: FriendshipId) -> Result<Option<Friendship>, Fault> {
        let row: Option<Row> = sqlx::query_as(
            "SELECT id, user_id_1, user_id_2, status, created_at, updated_at
             FROM friendships
             WHERE id = ?",
        )
        .bind(id.0)
        .fetch_optional(self.0)
        .await
        .map_err(fault)?;
        row.map(Friendship::try_from).transpose()
    }

    /// What there is between two people, whoever asked.
    pub async fn find_between(self, pair: [UserId; 2]) -> Result<Option<Friendship>, Fault> {
        let row: Option<Row> = sqlx::query_as(
            "SELECT id, user_id_1, user_id_2, status, created_at, updated_at
             FROM friendships
             WHERE user_low = ? AND user_high = ?",
        )
        .bind(pair[0].min(pair[1]).0)
        .bind(pair[0].max(pair[1]).0)
        .fetch_optional(self.0)
        .await
        .map_err(fault)?;
        row.map(Friendship::try_from).transpose()
    }

    /// A person's friends whose accounts are active, the newest first.
    pub async fn list_friends(
        self,
        user: UserId,
        before: Option<FriendshipId>,
        size: PageSize,
    ) -> Result<Page<FriendshipWith, FriendshipId>, Fault> {
        let before = before.map_or(i32::MAX, |id| id.0);
        let rows: Vec<FriendRow> = sqlx::query_as(
            "(SELECT f.id AS friendship_id, f.updated_at AS since, u.id, u.username, u.display_name, u.status_message
              FROM friendships f
              JOIN users u ON u.id = f.user_id_2
              WHERE f.user_id_1 = ? AND f.status = 'accepted' AND f.id < ? AND u.is_active
              ORDER BY f.id DESC
              LIMIT ?)
             UNION ALL
             (SELECT f.id AS friendship_id, f.updated_at AS since, u.id, u.username, u.display_name, u.status_message
              FROM friendships f
              JOIN users u ON u.id = f.user_id_1
              WHERE f.user_id_2 = ? AND f.status = 'accepted' AND f.id < ? AND u.is_active
              ORDER BY f.id DESC
              LIMIT ?)
             ORDER BY friendship_id DESC
             LIMIT ?",
        )
        .bind(user.0)
        .bind(before)
        .bind(size.and_one())
        .bind(user.0)
        .bind(before)
        .bind(size.and_one())
        .bind(size.and_one())
        .fetch_all(self.0)
        .await
        .map_err(fault)?;
        Ok(page(rows, size))
    }

    /// A person's open requests with people whose accounts are active, the newest first.
    pub async fn list_requests(
        self,
        user: UserId,
        direction: Direction,
        before: Option<FriendshipId>,
        size: PageSize,
    ) -> Result<Page<FriendshipWith, FriendshipId>, Fault> {
        let rows: Vec<FriendRow> = sqlx::query_as(match direction {
            Direction::Received => {
                "SELECT f.id AS friendship_id, f.created_at AS since, u.id, u.username, u.display_name, u.status_message
                 FROM friendships f
                 JOIN users u ON u.id = f.user_id_1
                 WHERE f.user_id_2 = ? AND f.status = 'pending' AND f.id < ? AND u.is_active
                 ORDER BY f.id DESC
                 LIMIT ?"
            }
            Direction::Sent => {
                "SELECT f.id AS friendship_id, f.created_at AS since, u.id, u.username, u.display_name, u.status_message
                 FROM friendships f
                 JOIN users u ON u.id = f.user_id_2
                 WHERE f.user_id_1 = ? AND f.status = 'pending' AND f.id < ? AND u.is_active
                 ORDER BY f.id DESC
                 LIMIT ?"
            }
        })
        .bind(user.0)
        .bind(before.map_or(i32::MAX, |id| id.0))
        .bind(size.and_one())
        .fetch_all(self.0)
        .await
        .map_err(fault)?;
        Ok(page(rows, size))
    }

    /// Adds a request between two people whose rows the transaction has locked.
    pub async fn insert(self, requester: UserId, addressee: UserId, at: Timestamp) -> Result<Friendship, Fault> {
        let outcome = sqlx::query(
            "INSERT INTO friendships (user_id_1, user_id_2, status, created_at, updated_at)
             VALUES (?, ?, 'pending', ?, ?)",
        )
        .bind(requester.0)
        .bind(addressee.0)
        .bind(at.to_utc())
        .bind(at.to_utc())
        .execute(self.0)
        .await
        .map_err(fault)?;
        let id = FriendshipId(i32::try_from(outcome.last_insert_id()).map_err(Fault::internal)?);
        Ok(Friendship { id, requester, addressee, status: FriendshipStatus::Pending, created_at: at, updated_at: at })
    }

    /// Changes where two people stand.
    pub async fn update(self, id: FriendshipId, status: FriendshipStatus, at: Timestamp) -> Result<(), Fault> {
        sqlx::query(
            "UPDATE friendships
             SET status = ?, updated_at = ?
             WHERE id = ?",
        )
        .bind(status.as_str())
        .bind(at.to_utc())
        .bind(id.0)
        .execute(self.0)
        .await
        .map_err(fault)?;
        Ok(())
    }

    /// Forgets what was between two people, so that they may begin anew under another id.
    pub async fn remove(self, id: FriendshipId) -> Result<(), Fault> {
        sqlx::query(
            "DELETE FROM friendships
             WHERE id = ?",
        )
        .bind(id.0)
        .execute(self.0)
        .await
        .map_err(fault)?;
        Ok(())
    }
}

impl Friendships<&mut MySqlConnection> {
    /// A friendship or request, locked until the transaction ends; comes after the rows of both people.
    pub async fn lock(self, id: FriendshipId) -> Result<Option<Friendship>, Fault> {
        let row: Option<Row> = sqlx::query_as(
            "SELECT id, user_id_1, user_id_2, status, created_at, updated_at
             FROM friendships
             WHERE id = ?
             FOR UPDATE",
        )
        .bind(id.0)
        .fetch_optional(self.0)
        .await
        .map_err(fault)?;
        row.map(Friendship::try_from).transpose()
    }
}

fn page(rows: Vec<FriendRow>, size: PageSize) -> Page<FriendshipWith, FriendshipId> {
    Page::cut(rows.into_iter().map(FriendshipWith::from).collect(), size, |friendship: &FriendshipWith| friendship.id)
}

#[derive(FromRow)]
struct Row {
    id: i32,
    user_id_1: i32,
    user_id_2: i32,
    status: String,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
}

impl TryFrom<Row> for Friendship {
    type Error = Fault;

    fn try_from(row: Row) -> Result<Self, Fault> {
        Ok(Self {
            id: FriendshipId(row.id),
            requester: UserId(row.user_id_1),
            addressee: UserId(row.user_id_2),
            status: row.status.parse().map_err(Fault::internal)?,
            created_at: row.created_at.into(),
            updated_at: row.updated_at.into(),
        })
    }
}

#[derive(FromRow)]
struct FriendRow {
    friendship_id: i32,
    since: OffsetDateTime,
    #[sqlx(flatten)]
    user: ProfileRow,
}

impl From<FriendRow> for FriendshipWith {
    fn from(row: FriendRow) -> Self {
        Self { id: FriendshipId(row.friendship_id), user: row.user.into(), since: row.since.into() }
    }
}

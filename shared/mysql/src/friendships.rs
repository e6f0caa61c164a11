use crate::{fault::fault, users::ProfileRow};
use domain::{Fault, Friendship, FriendshipId, FriendshipStatus, FriendshipWith, Page, PageSize, Timestamp, UserId};
use sqlx::{FromRow, MySqlConnection, MySqlExecutor, QueryBuilder};
use time::PrimitiveDateTime;

/// Friends and requests, on the pool or in a transaction.
#[derive(Debug)]
pub struct Friendships<E>(pub(crate) E);

/// Which requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Those that somebody else made, without those that are quiet at a time.
    Received(Timestamp),
    /// Those that the person made.
    Sent,
}

impl<'e, E: MySqlExecutor<'e>> Friendships<E> {
    /// A friendship or request of one of its two people, and whether both accounts are active, as it may have changed by now:
    /// `lock` it before a decision. Another one's is read with as much work as one that is not there.
    pub async fn find_of(self, id: FriendshipId, user: UserId) -> Result<Option<(Friendship, bool)>, Fault> {
        let row: Option<FoundRow> = sqlx::query_as(
            "SELECT f.id, f.user_id_1, f.user_id_2, f.status, f.created_at, f.updated_at, f.quiet_until,
                    a.is_active AND b.is_active AS is_active
             FROM friendships f
             JOIN users a ON a.id = f.user_id_1
             JOIN users b ON b.id = f.user_id_2
             WHERE f.id = ? AND ? IN (f.user_id_1, f.user_id_2)",
        )
        .bind(id.0)
        .bind(user.0)
        .fetch_optional(self.0)
        .await
        .map_err(fault)?;
        row.map(|row| Ok((row.friendship.try_into()?, row.is_active))).transpose()
    }

    /// How many friends the one of two people has who has more of them.
    pub async fn count_most(self, pair: [UserId; 2]) -> Result<i64, Fault> {
        sqlx::query_scalar(
            "SELECT GREATEST(
                 (SELECT COUNT(*) FROM friendships a WHERE a.user_id_1 = ? AND a.status = 'accepted')
                     + (SELECT COUNT(*) FROM friendships b WHERE b.user_id_2 = ? AND b.status = 'accepted'),
                 (SELECT COUNT(*) FROM friendships c WHERE c.user_id_1 = ? AND c.status = 'accepted')
                     + (SELECT COUNT(*) FROM friendships d WHERE d.user_id_2 = ? AND d.status = 'accepted'))",
        )
        .bind(pair[0].0)
        .bind(pair[0].0)
        .bind(pair[1].0)
        .bind(pair[1].0)
        .fetch_one(self.0)
        .await
        .map_err(fault)
    }

    /// The friendship or request between two people, in either direction.
    pub async fn find_between(self, pair: [UserId; 2]) -> Result<Option<Friendship>, Fault> {
        let row: Option<Row> = sqlx::query_as(
            "SELECT id, user_id_1, user_id_2, status, created_at, updated_at, quiet_until
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

    /// Those of some people who are friends of a person, by id.
    pub async fn list_among(self, user: UserId, others: &[UserId]) -> Result<Vec<UserId>, Fault> {
        if others.is_empty() {
            return Ok(Vec::new());
        }
        // Not as a list of pairs, for which the whole index is read.
        let mut query = QueryBuilder::new(
            "SELECT user_low, user_high FROM friendships FORCE INDEX (friendships_pair_key) WHERE status = 'accepted' AND (",
        );
        let mut any = query.separated(" OR ");
        for other in others {
            any.push("user_low = ").push_bind_unseparated(user.min(*other).0);
            any.push_unseparated(" AND user_high = ").push_bind_unseparated(user.max(*other).0);
        }
        let pairs: Vec<(i32, i32)> =
            query.push(")").build_query_as().persistent(others.len() == 1).fetch_all(self.0).await.map_err(fault)?;
        let mut friends: Vec<_> =
            pairs.into_iter().map(|(low, high)| UserId(if low == user.0 { high } else { low })).collect();
        friends.sort_unstable();
        Ok(friends)
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
            "(SELECT f.id AS friendship_id, f.updated_at AS since, u.id, u.username, u.display_name, u.status_message,
                    u.avatar_id, u.avatar_hash
              FROM friendships f
              JOIN users u ON u.id = f.user_id_2
              WHERE f.user_id_1 = ? AND f.status = 'accepted' AND f.id < ? AND u.is_active
              ORDER BY f.id DESC
              LIMIT ?)
             UNION ALL
             (SELECT f.id AS friendship_id, f.updated_at AS since, u.id, u.username, u.display_name, u.status_message,
                    u.avatar_id, u.avatar_hash
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
        let query = sqlx::query_as(match direction {
            Direction::Received(_) => {
                "SELECT f.id AS friendship_id, f.created_at AS since, u.id, u.username, u.display_name, u.status_message,
                    u.avatar_id, u.avatar_hash
                 FROM friendships f
                 JOIN users u ON u.id = f.user_id_1
                 WHERE f.user_id_2 = ? AND f.status = 'pending' AND f.id < ? AND u.is_active
                     AND (f.quiet_until IS NULL OR f.quiet_until <= ?)
                 ORDER BY f.id DESC
                 LIMIT ?"
            }
            Direction::Sent => {
                "SELECT f.id AS friendship_id, f.created_at AS since, u.id, u.username, u.display_name, u.status_message,
                    u.avatar_id, u.avatar_hash
                 FROM friendships f
                 JOIN users u ON u.id = f.user_id_2
                 WHERE f.user_id_1 = ? AND f.status = 'pending' AND f.id < ? AND u.is_active
                 ORDER BY f.id DESC
                 LIMIT ?"
            }
        })
        .bind(user.0)
        .bind(before.map_or(i32::MAX, |id| id.0));
        let query = match direction {
            Direction::Received(at) => query.bind(at.to_utc()),
            Direction::Sent => query,
        };
        let rows: Vec<FriendRow> = query.bind(size.and_one()).fetch_all(self.0).await.map_err(fault)?;
        Ok(page(rows, size))
    }

    /// Some of what there is or was between a person and others, whatever its status: which, and with whom.
    pub async fn list_any(self, user: UserId, limit: u32) -> Result<Vec<(FriendshipId, UserId)>, Fault> {
        let rows: Vec<(i32, i32)> = sqlx::query_as(
            "(SELECT id, user_id_2
              FROM friendships
              WHERE user_id_1 = ?
              LIMIT ?)
             UNION ALL
             (SELECT id, user_id_1
              FROM friendships
              WHERE user_id_2 = ?
              LIMIT ?)
             LIMIT ?",
        )
        .bind(user.0)
        .bind(limit)
        .bind(user.0)
        .bind(limit)
        .bind(limit)
        .fetch_all(self.0)
        .await
        .map_err(fault)?;
        Ok(rows.into_iter().map(|(id, other)| (FriendshipId(id), UserId(other))).collect())
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
        let (status, quiet_until) = (FriendshipStatus::Pending, None);
        Ok(Friendship { id, requester, addressee, status, created_at: at, updated_at: at, quiet_until })
    }

    /// Changes where two people stand.
    pub async fn update(self, changed: &Friendship) -> Result<(), Fault> {
        sqlx::query(
            "UPDATE friendships
             SET status = ?, created_at = ?, updated_at = ?, quiet_until = ?
             WHERE id = ?",
        )
        .bind(changed.status.as_str())
        .bind(changed.created_at.to_utc())
        .bind(changed.updated_at.to_utc())
        .bind(changed.quiet_until.map(Timestamp::to_utc))
        .bind(changed.id.0)
        .execute(self.0)
        .await
        .map_err(fault)?;
        Ok(())
    }

    /// Removes a friendship, so that a new one gets another id.
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
            "SELECT id, user_id_1, user_id_2, status, created_at, updated_at, quiet_until
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
    created_at: PrimitiveDateTime,
    updated_at: PrimitiveDateTime,
    quiet_until: Option<PrimitiveDateTime>,
}

#[derive(FromRow)]
struct FoundRow {
    #[sqlx(flatten)]
    friendship: Row,
    is_active: bool,
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
            quiet_until: row.quiet_until.map(Timestamp::from),
        })
    }
}

#[derive(FromRow)]
struct FriendRow {
    friendship_id: i32,
    since: PrimitiveDateTime,
    #[sqlx(flatten)]
    user: ProfileRow,
}

impl From<FriendRow> for FriendshipWith {
    fn from(row: FriendRow) -> Self {
        Self { id: FriendshipId(row.friendship_id), user: row.user.into(), since: row.since.into() }
    }
}

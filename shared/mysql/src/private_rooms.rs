use crate::{OutboxId, fault::fault, lists::push_list, users::picture};
use domain::{
    Access, Fault, Member, Page, PageSize, Participant, PrivateRoom, Profile, Role, RoomId, RoomKey, Timestamp, UserId,
};
use sqlx::{FromRow, MySqlConnection, MySqlExecutor, QueryBuilder};
use time::PrimitiveDateTime;

/// Rooms of two people, on the pool or in a transaction.
#[derive(Debug)]
pub struct PrivateRooms<E>(pub(crate) E);

/// A room that a person is in, and with whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoomOf {
    /// Which.
    pub id: RoomId,
    /// The other person.
    pub with: UserId,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A room's rights as of one moment, and the outbox rows of the changes that are in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Who may do what.
    pub access: Access,
    /// When the room was made.
    pub created_at: Timestamp,
    /// Done once `access` is projected.
    pub outbox: Vec<OutboxId>,
}

impl<'e, E: MySqlExecutor<'e>> PrivateRooms<E> {
    /// The room as one of its two people sees it.
    pub async fn find(self, id: RoomId, viewer: UserId) -> Result<Option<PrivateRoom>, Fault> {
        Ok(self.list(&[id], viewer).await?.pop())
    }

    /// Those of these rooms that a person is in, as they see them, by id.
    pub async fn list(self, ids: &[RoomId], viewer: UserId) -> Result<Vec<PrivateRoom>, Fault> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut query = QueryBuilder::new(
            "SELECT r.id, r.created_at, r.updated_at,
                    a.id AS a_id, a.username AS a_username, a.display_name AS a_display_name, a.status_message AS a_status_message,
                    a.avatar_id AS a_avatar_id, a.avatar_hash AS a_avatar_hash,
                    b.id AS b_id, b.username AS b_username, b.display_name AS b_display_name, b.status_message AS b_status_message,
                    b.avatar_id AS b_avatar_id, b.avatar_hash AS b_avatar_hash,
                    a.is_active AND NOT EXISTS (
                        SELECT 1 FROM block_users x WHERE x.user_id = a.id AND x.blocked_user_id = v.id) AS a_is_available,
                    b.is_active AND NOT EXISTS (
                        SELECT 1 FROM block_users y WHERE y.user_id = b.id AND y.blocked_user_id = v.id) AS b_is_available
             FROM chat_rooms r
             JOIN users a ON a.id = r.user_id_1
             JOIN users b ON b.id = r.user_id_2
             JOIN users v ON v.id = ",
        );
        query.push_bind(viewer.0).push(" AND v.id IN (a.id, b.id) WHERE r.is_active AND r.id IN ");
        push_list(&mut query, ids.iter().map(|id| id.0));
        query.push(" ORDER BY r.id");
        let rows: Vec<RoomRow> = query.build_query_as().fetch_all(self.0).await.map_err(fault)?;
        Ok(rows.into_iter().map(PrivateRoom::from).collect())
    }

    /// All rooms of a person, by id.
    pub async fn list_of(
        self,
        user: UserId,
        after: Option<RoomId>,
        size: PageSize,
    ) -> Result<Page<RoomOf, RoomId>, Fault> {
        let after = after.map_or(0, |room| room.0);
        let rows: Vec<(i32, i32, PrimitiveDateTime)> = sqlx::query_as(
            "(SELECT id, user_id_2, created_at
              FROM chat_rooms FORCE INDEX (chat_rooms_user_id_1_idx)
              WHERE user_id_1 = ? AND id > ?
              ORDER BY id
              LIMIT ?)
             UNION ALL
             (SELECT id, user_id_1, created_at
              FROM chat_rooms FORCE INDEX (chat_rooms_user_id_2_idx)
              WHERE user_id_2 = ? AND id > ?
              ORDER BY id
              LIMIT ?)
             ORDER BY id
             LIMIT ?",
        )
        .bind(user.0)
        .bind(after)
        .bind(size.and_one())
        .bind(user.0)
        .bind(after)
        .bind(size.and_one())
        .bind(size.and_one())
        .fetch_all(self.0)
        .await
        .map_err(fault)?;
        let room = |(id, with, at): (i32, i32, PrimitiveDateTime)| RoomOf {
            id: RoomId(id),
            with: UserId(with),
            created_at: at.into(),
        };
        Ok(Page::cut(rows.into_iter().map(room).collect(), size, |room: &RoomOf| room.id))
    }

    /// The room of two people, in either order.
    pub async fn find_by_pair(self, pair: [UserId; 2]) -> Result<Option<RoomId>, Fault> {
        let [first, second] = ordered(pair);
        let id: Option<i32> = sqlx::query_scalar(
            "SELECT id
             FROM chat_rooms
             WHERE user_id_1 = ? AND user_id_2 = ?",
        )
        .bind(first.0)
        .bind(second.0)
        .fetch_optional(self.0)
        .await
        .map_err(fault)?;
        Ok(id.map(RoomId))
    }

    /// The room's rights and the outbox rows of their changes, in one snapshot; a closed room has no members.
    pub async fn find_snapshot(self, id: RoomId) -> Result<Option<Snapshot>, Fault> {
        let rows: Vec<SnapshotRow> = sqlx::query_as(
            "SELECT r.version, r.is_active, r.user_id_1, r.user_id_2, r.created_at, o.id AS outbox_id,
                    NOT (a.is_active AND b.is_active)
                    OR EXISTS (SELECT 1 FROM block_users x WHERE x.user_id = r.user_id_1 AND x.blocked_user_id = r.user_id_2)
                    OR EXISTS (SELECT 1 FROM block_users y WHERE y.user_id = r.user_id_2 AND y.blocked_user_id = r.user_id_1)
                        AS is_blocked
             FROM chat_rooms r
             JOIN users a ON a.id = r.user_id_1
             JOIN users b ON b.id = r.user_id_2
             LEFT JOIN outbox o ON o.aggregate = 'private' AND o.aggregate_id = r.id
             WHERE r.id = ?",
        )
        .bind(id.0)
        .fetch_all(self.0)
        .await
        .map_err(fault)?;
        let Some(room) = rows.first() else { return Ok(None) };
        let people = if room.is_active { vec![room.user_id_1, room.user_id_2] } else { Vec::new() };
        let members = people.into_iter().map(|user| Member { user: UserId(user), role: Role::Member }).collect();
        let access = Access { room: RoomKey::private(id), version: room.version, members, blocked: room.is_blocked };
        let created_at = room.created_at.into();
        Ok(Some(Snapshot {
            access,
            created_at,
            outbox: rows.iter().filter_map(|row| row.outbox_id).map(OutboxId).collect(),
        }))
    }
}

impl PrivateRooms<&mut MySqlConnection> {
    /// Adds the room of two people, whose rows the transaction has locked.
    pub async fn insert(self, pair: [UserId; 2], at: Timestamp) -> Result<RoomId, Fault> {
        let [first, second] = ordered(pair);
        let outcome = sqlx::query(
            "INSERT INTO chat_rooms (user_id_1, user_id_2, created_at, updated_at)
             VALUES (?, ?, ?, ?)",
        )
        .bind(first.0)
        .bind(second.0)
        .bind(at.to_utc())
        .bind(at.to_utc())
        .execute(self.0)
        .await
        .map_err(fault)?;
        i32::try_from(outcome.last_insert_id()).map(RoomId).map_err(Fault::internal)
    }

    /// Locks the room until the transaction ends and raises its version; false if there is none. Comes before every other
    /// statement of a change to the room. When the room was updated stays: it would tell of a block, and when that was.
    pub async fn lock(self, id: RoomId) -> Result<bool, Fault> {
        let outcome = sqlx::query(
            "UPDATE chat_rooms
             SET version = version + 1
             WHERE id = ?",
        )
        .bind(id.0)
        .execute(self.0)
        .await
        .map_err(fault)?;
        Ok(outcome.rows_affected() == 1)
    }

    /// Locks every room of a person until the transaction ends and raises the versions. An outbox row for each goes with it.
    pub async fn lock_of(&mut self, user: UserId, at: Timestamp) -> Result<(), Fault> {
        // Without the hints a small table is scanned, and every room in it locked.
        for raise in [
            "UPDATE chat_rooms FORCE INDEX (chat_rooms_pair_key) SET version = version + 1 WHERE user_id_1 = ?",
            "UPDATE chat_rooms FORCE INDEX (chat_rooms_user_id_2_idx) SET version = version + 1 WHERE user_id_2 = ?",
        ] {
            sqlx::query(raise).bind(user.0).execute(&mut *self.0).await.map_err(fault)?;
        }
        sqlx::query(
            "INSERT INTO outbox (aggregate, aggregate_id, created_at)
             SELECT 'private', id, ?
             FROM chat_rooms FORCE INDEX (chat_rooms_pair_key)
             WHERE user_id_1 = ?
             UNION ALL
             SELECT 'private', id, ?
             FROM chat_rooms FORCE INDEX (chat_rooms_user_id_2_idx)
             WHERE user_id_2 = ?",
        )
        .bind(at.to_utc())
        .bind(user.0)
        .bind(at.to_utc())
        .bind(user.0)
        .execute(&mut *self.0)
        .await
        .map_err(fault)?;
        Ok(())
    }
}

/// The order in which a pair is stored and locked.
fn ordered(mut pair: [UserId; 2]) -> [UserId; 2] {
    pair.sort();
    pair
}

#[derive(FromRow)]
struct SnapshotRow {
    version: i64,
    is_active: bool,
    user_id_1: i32,
    user_id_2: i32,
    created_at: PrimitiveDateTime,
    outbox_id: Option<i64>,
    is_blocked: bool,
}

#[derive(FromRow)]
struct RoomRow {
    id: i32,
    created_at: PrimitiveDateTime,
    updated_at: PrimitiveDateTime,
    a_id: i32,
    a_username: String,
    a_display_name: Option<String>,
    a_status_message: Option<String>,
    a_avatar_id: Option<String>,
    a_avatar_hash: Option<String>,
    a_is_available: bool,
    b_id: i32,
    b_username: String,
    b_display_name: Option<String>,
    b_status_message: Option<String>,
    b_avatar_id: Option<String>,
    b_avatar_hash: Option<String>,
    b_is_available: bool,
}

impl From<RoomRow> for PrivateRoom {
    fn from(row: RoomRow) -> Self {
        let one = Profile {
            id: UserId(row.a_id),
            username: row.a_username,
            display_name: row.a_display_name,
            status_message: row.a_status_message,
            avatar: picture(row.a_avatar_id, row.a_avatar_hash),
        };
        let other = Profile {
            id: UserId(row.b_id),
            username: row.b_username,
            display_name: row.b_display_name,
            status_message: row.b_status_message,
            avatar: picture(row.b_avatar_id, row.b_avatar_hash),
        };
        Self {
            id: RoomId(row.id),
            participants: [
                Participant { profile: one, is_available: row.a_is_available },
                Participant { profile: other, is_available: row.b_is_available },
            ],
            created_at: row.created_at.into(),
            updated_at: row.updated_at.into(),
        }
    }
}

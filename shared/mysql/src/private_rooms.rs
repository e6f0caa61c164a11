use crate::{OutboxId, fault::fault};
use domain::{Access, Fault, Member, PrivateRoom, Profile, Role, RoomId, RoomKey, Timestamp, UserId};
use sqlx::{FromRow, MySqlConnection, MySqlExecutor};
use time::OffsetDateTime;

/// Rooms of two people, on the pool or in a transaction.
#[derive(Debug)]
pub struct PrivateRooms<E>(pub(crate) E);

/// A room's rights as of one moment, and the outbox rows of the changes that are in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Who may do what.
    pub access: Access,
    /// What need not be projected any more once `access` is.
    pub outbox: Vec<OutboxId>,
}

impl<'e, E: MySqlExecutor<'e>> PrivateRooms<E> {
    /// The room with both people's profiles, whatever became of their accounts.
    pub async fn find(self, id: RoomId) -> Result<Option<PrivateRoom>, Fault> {
        let row: Option<RoomRow> = sqlx::query_as(
            "SELECT r.id, r.created_at, r.updated_at,
                    a.id AS a_id, a.username AS a_username, a.display_name AS a_display_name, a.status_message AS a_status_message,
                    b.id AS b_id, b.username AS b_username, b.display_name AS b_display_name, b.status_message AS b_status_message
             FROM chat_rooms r
             JOIN users a ON a.id = r.user_id_1
             JOIN users b ON b.id = r.user_id_2
             WHERE r.id = ? AND r.is_active",
        )
        .bind(id.0)
        .fetch_optional(self.0)
        .await
        .map_err(fault)?;
        Ok(row.map(PrivateRoom::from))
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
            "SELECT r.version, r.is_active, r.user_id_1, r.user_id_2, o.id AS outbox_id
             FROM chat_rooms r
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
        let access = Access { room: RoomKey::private(id), version: room.version, members };
        Ok(Some(Snapshot { access, outbox: rows.iter().filter_map(|row| row.outbox_id).map(OutboxId).collect() }))
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
    /// statement of a change to the room.
    pub async fn lock(self, id: RoomId, at: Timestamp) -> Result<bool, Fault> {
        let outcome = sqlx::query(
            "UPDATE chat_rooms
             SET version = version + 1, updated_at = ?
             WHERE id = ?",
        )
        .bind(at.to_utc())
        .bind(id.0)
        .execute(self.0)
        .await
        .map_err(fault)?;
        Ok(outcome.rows_affected() == 1)
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
    outbox_id: Option<i64>,
}

#[derive(FromRow)]
struct RoomRow {
    id: i32,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
    a_id: i32,
    a_username: String,
    a_display_name: Option<String>,
    a_status_message: Option<String>,
    b_id: i32,
    b_username: String,
    b_display_name: Option<String>,
    b_status_message: Option<String>,
}

impl From<RoomRow> for PrivateRoom {
    fn from(row: RoomRow) -> Self {
        Self {
            id: RoomId(row.id),
            participants: [
                Profile {
                    id: UserId(row.a_id),
                    username: row.a_username,
                    display_name: row.a_display_name,
                    status_message: row.a_status_message,
                },
                Profile {
                    id: UserId(row.b_id),
                    username: row.b_username,
                    display_name: row.b_display_name,
                    status_message: row.b_status_message,
                },
            ],
            created_at: row.created_at.into(),
            updated_at: row.updated_at.into(),
        }
    }
}

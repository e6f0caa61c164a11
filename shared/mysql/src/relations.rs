use crate::fault::fault;
use domain::{Fault, RoomId, UserId};
use sqlx::{FromRow, MySqlExecutor};

/// What there is between two people, on the pool.
#[derive(Debug)]
pub struct Relations<E>(pub(crate) E);

/// What there is between a person and another one, read without a lock: enough to refuse, and to find what is there already.
/// Whoever changes something looks again under the locks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Relation {
    /// Whether the other one's account is active and has not blocked the person: otherwise it looks deleted.
    pub is_available: bool,
    /// Whether the person has blocked the other one.
    pub is_blocked: bool,
    /// Whether they are friends.
    pub is_friend: bool,
    /// Their room.
    pub room: Option<RoomId>,
}

impl<'e, E: MySqlExecutor<'e>> Relations<E> {
    /// What there is between a person and another one; `None` where there is no such other one.
    pub async fn find(self, person: UserId, other: UserId) -> Result<Option<Relation>, Fault> {
        let (low, high) = (person.min(other), person.max(other));
        let row: Option<Row> = sqlx::query_as(
            "SELECT u.is_active AND NOT EXISTS (
                        SELECT 1 FROM block_users x WHERE x.user_id = u.id AND x.blocked_user_id = ?) AS is_available,
                    EXISTS (SELECT 1 FROM block_users y WHERE y.user_id = ? AND y.blocked_user_id = u.id) AS is_blocked,
                    EXISTS (SELECT 1 FROM friendships f
                            WHERE f.user_low = ? AND f.user_high = ? AND f.status = 'accepted') AS is_friend,
                    r.id AS room_id
             FROM users u
             LEFT JOIN chat_rooms r ON r.user_id_1 = ? AND r.user_id_2 = ?
             WHERE u.id = ?",
        )
        .bind(person.0)
        .bind(person.0)
        .bind(low.0)
        .bind(high.0)
        .bind(low.0)
        .bind(high.0)
        .bind(other.0)
        .fetch_optional(self.0)
        .await
        .map_err(fault)?;
        Ok(row.map(Relation::from))
    }
}

#[derive(FromRow)]
struct Row {
    is_available: bool,
    is_blocked: bool,
    is_friend: bool,
    room_id: Option<i32>,
}

impl From<Row> for Relation {
    fn from(row: Row) -> Self {
        let Row { is_available, is_blocked, is_friend, room_id } = row;
        Self { is_available, is_blocked, is_friend, room: room_id.map(RoomId) }
    }
}

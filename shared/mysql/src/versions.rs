use crate::{Pool, fault::fault, lists::push_list};
use domain::{Aggregate, Fault, RoomId, RoomKey, RoomKind, Timestamp, UserId};
use sqlx::{AssertSqlSafe, Executor as _, MySqlConnection, MySqlExecutor, QueryBuilder};

/// How often people and rooms were changed, on the pool or in a transaction: what a rebuild compares with MongoDB's copies.
#[derive(Debug)]
pub struct Versions<E>(pub(crate) E);

/// A room, and how often it was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoomVersion {
    /// Which.
    pub room: RoomKey,
    /// The two people of a 1:1 room, who never change.
    pub pair: Option<[UserId; 2]>,
    /// Counts the changes.
    pub version: i64,
}

impl<'e, E: MySqlExecutor<'e>> Versions<E> {
    /// The people with ids above one, by id.
    pub async fn list_people(self, after: UserId, limit: u32) -> Result<Vec<(UserId, i64)>, Fault> {
        let rows: Vec<(i32, i64)> = sqlx::query_as(
            "SELECT id, version
             FROM users
             WHERE id > ?
             ORDER BY id
             LIMIT ?",
        )
        .bind(after.0)
        .bind(limit)
        .fetch_all(self.0)
        .await
        .map_err(fault)?;
        Ok(rows.into_iter().map(|(id, version)| (UserId(id), version)).collect())
    }

    /// The rooms of a kind with ids above one, by id.
    pub async fn list_rooms(self, kind: RoomKind, after: RoomId, limit: u32) -> Result<Vec<RoomVersion>, Fault> {
        let query = match kind {
            RoomKind::Private => {
                "SELECT id, version, user_id_1, user_id_2
                 FROM chat_rooms
                 WHERE id > ?
                 ORDER BY id
                 LIMIT ?"
            }
            RoomKind::Group => {
                "SELECT id, version, NULL, NULL
                 FROM group_chat_rooms
                 WHERE id > ?
                 ORDER BY id
                 LIMIT ?"
            }
        };
        let rows: Vec<(i32, i64, Option<i32>, Option<i32>)> =
            sqlx::query_as(query).bind(after.0).bind(limit).fetch_all(self.0).await.map_err(fault)?;
        let room = |(id, version, one, other): (i32, i64, Option<i32>, Option<i32>)| RoomVersion {
            room: RoomKey { kind, id: RoomId(id) },
            pair: one.zip(other).map(|(one, other)| [UserId(one), UserId(other)]),
            version,
        };
        Ok(rows.into_iter().map(room).collect())
    }

    /// Those of some rooms of a kind that there are, open or closed.
    pub async fn list_existing(self, kind: RoomKind, ids: &[RoomId]) -> Result<Vec<RoomId>, Fault> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut query = QueryBuilder::new(match kind {
            RoomKind::Private => "SELECT id FROM chat_rooms FORCE INDEX (PRIMARY) WHERE id IN ",
            RoomKind::Group => "SELECT id FROM group_chat_rooms FORCE INDEX (PRIMARY) WHERE id IN ",
        });
        push_list(&mut query, ids.iter().map(|id| id.0));
        let rows: Vec<i32> = query.build_query_scalar().fetch_all(self.0).await.map_err(fault)?;
        Ok(rows.into_iter().map(RoomId).collect())
    }
}

impl Versions<&mut MySqlConnection> {
    /// Raises an aggregate's version above one that is higher; false if it is none, or the aggregate has no version.
    pub async fn raise_above(self, aggregate: Aggregate, version: i64) -> Result<bool, Fault> {
        let raise = match aggregate {
            Aggregate::Person(_) => "UPDATE users SET version = ? WHERE id = ? AND version < ?",
            Aggregate::PrivateRoom(_) => "UPDATE chat_rooms SET version = ? WHERE id = ? AND version < ?",
            Aggregate::GroupRoom(_) => "UPDATE group_chat_rooms SET version = ? WHERE id = ? AND version < ?",
            Aggregate::Sessions(_) => return Ok(false),
        };
        let raise = sqlx::query(raise).bind(version + 1).bind(aggregate.number()).bind(version);
        Ok(raise.execute(self.0).await.map_err(fault)?.rows_affected() == 1)
    }
}

impl Versions<&Pool> {
    /// Lets no new row get an id up to an aggregate's own; whether one could have. Needs the right to change tables.
    pub async fn skip_ids(self, used: Aggregate) -> Result<bool, Fault> {
        let (last, skip) = match used {
            Aggregate::Person(_) | Aggregate::Sessions(_) => {
                ("SELECT MAX(id) FROM users", "ALTER TABLE users AUTO_INCREMENT =")
            }
            Aggregate::PrivateRoom(_) => ("SELECT MAX(id) FROM chat_rooms", "ALTER TABLE chat_rooms AUTO_INCREMENT ="),
            Aggregate::GroupRoom(_) => {
                ("SELECT MAX(id) FROM group_chat_rooms", "ALTER TABLE group_chat_rooms AUTO_INCREMENT =")
            }
        };
        let last: Option<i32> = sqlx::query_scalar(last).fetch_one(self.0).await.map_err(fault)?;
        if last.unwrap_or(0) >= used.number() {
            return Ok(false);
        }
        skip_to(self.0, skip, i64::from(used.number()) + 1).await?;
        Ok(true)
    }

    /// Lets no new event of a group get the id of one whose row is gone since its message is placed: ids go on at the milliseconds
    /// of a moment, which no count of events reaches.
    pub async fn skip_event_ids(self, at: Timestamp) -> Result<(), Fault> {
        skip_to(self.0, "ALTER TABLE group_room_events AUTO_INCREMENT =", at.millis()).await
    }
}

/// The number is ours; such a statement takes no parameters.
async fn skip_to(pool: &Pool, skip: &str, next: i64) -> Result<(), Fault> {
    pool.execute(AssertSqlSafe(format!("{skip} {next}"))).await.map_err(fault)?;
    Ok(())
}

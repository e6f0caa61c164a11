use crate::{OutboxId, Users, fault::fault, settings::PrivacyRow, users::picture};
use domain::{Fault, Locale, Person, UserId};
use sqlx::{FromRow, MySqlExecutor};

/// What MongoDB must know of a person, and the outbox rows of the changes that are in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonSnapshot {
    /// As of one moment.
    pub person: Person,
    /// What need not be projected any more once `person` is.
    pub outbox: Vec<OutboxId>,
}

#[derive(FromRow)]
struct SnapshotRow {
    part: String,
    number: i64,
    username: Option<String>,
    display_name: Option<String>,
    locale: Option<String>,
    is_active: Option<bool>,
    #[sqlx(flatten)]
    privacy: PrivacyRow,
    avatar_id: Option<String>,
    avatar_hash: Option<String>,
}

impl<'e, E: MySqlExecutor<'e>> Users<E> {
    /// What MongoDB must know of a person and the outbox rows of the changes in it, in one snapshot.
    pub async fn find_snapshot(self, id: UserId) -> Result<Option<PersonSnapshot>, Fault> {
        let rows: Vec<SnapshotRow> = sqlx::query_as(
            "SELECT 'person' AS part, u.version AS number, u.username, u.display_name, u.locale, u.is_active,
                    s.presence_visibility, s.read_receipts, u.avatar_id, u.avatar_hash
             FROM users u
             LEFT JOIN user_settings s ON s.user_id = u.id
             WHERE u.id = ?
             UNION ALL
             SELECT 'friend', user_id_2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
             FROM friendships
             WHERE user_id_1 = ? AND status = 'accepted'
             UNION ALL
             SELECT 'friend', user_id_1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
             FROM friendships
             WHERE user_id_2 = ? AND status = 'accepted'
             UNION ALL
             SELECT 'blocked', blocked_user_id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
             FROM block_users
             WHERE user_id = ?
             UNION ALL
             SELECT 'outbox', id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
             FROM outbox
             WHERE aggregate = 'user' AND aggregate_id = ?",
        )
        .bind(id.0)
        .bind(id.0)
        .bind(id.0)
        .bind(id.0)
        .bind(id.0)
        .fetch_all(self.0)
        .await
        .map_err(fault)?;
        PersonSnapshot::of(id, rows)
    }
}

impl PersonSnapshot {
    fn of(id: UserId, rows: Vec<SnapshotRow>) -> Result<Option<Self>, Fault> {
        let (mut person, mut friends, mut blocked, mut outbox) = (None, Vec::new(), Vec::new(), Vec::new());
        let user = |number| i32::try_from(number).map(UserId).map_err(Fault::internal);
        for row in rows {
            match row.part.as_str() {
                "friend" => friends.push(user(row.number)?),
                "blocked" => blocked.push(user(row.number)?),
                "outbox" => outbox.push(OutboxId(row.number)),
                _ => person = Some(row),
            }
        }
        friends.sort_unstable();
        blocked.sort_unstable();
        Ok(person.map(|row| {
            let person = Person {
                id,
                version: row.number,
                username: row.username.unwrap_or_default(),
                display_name: row.display_name,
                locale: row.locale.as_deref().and_then(Locale::of_tag).unwrap_or_default(),
                privacy: row.privacy.into(),
                is_active: row.is_active.unwrap_or_default(),
                friends,
                blocked,
                avatar: picture(row.avatar_id, row.avatar_hash),
            };
            Self { person, outbox }
        }))
    }
}

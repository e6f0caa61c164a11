use crate::{Users, fault::fault, users::ProfileRow};
use domain::{Fault, NameKeyKind, NameQuery, Page, PageSize, Profile, UserId, name_keys};
use sqlx::{FromRow, MySqlExecutor, QueryBuilder};

/// The names under which someone is found.
#[derive(Debug, Clone)]
pub struct Names {
    /// Who.
    pub user: UserId,
    /// The unique name; `None` leaves its keys as they are.
    pub username: Option<String>,
    /// The shown name, where there is one.
    pub display_name: Option<String>,
}

/// Where a page of found people begins: under which key the last one before it was found, and who it was.
pub type NameKey = (String, UserId);

impl<'e, E: MySqlExecutor<'e>> Users<E> {
    /// Active people other than the viewer whose username or display name has this prefix and who have not blocked the viewer, by
    /// name. Someone who is found by both names comes once.
    pub async fn search(
        self,
        query: &NameQuery,
        viewer: UserId,
        after: Option<&NameKey>,
        size: PageSize,
    ) -> Result<Page<Profile, NameKey>, Fault> {
        let first = (query.prefix.clone(), UserId(0));
        let (key, user) = after.unwrap_or(&first);
        // Above every text that begins so, by the order of code points that the column's collation has.
        let end = format!("{}\u{10ffff}", query.prefix);
        let rows: Vec<FoundRow> = sqlx::query_as(
            "SELECT n.name_key, u.id, u.username, u.display_name, u.status_message, u.avatar_id, u.avatar_hash
             FROM user_names n
             JOIN users u ON u.id = n.user_id
             WHERE n.kind = ? AND n.name_key BETWEEN ? AND ? AND (n.name_key > ? OR n.user_id > ?)
                 AND u.is_active AND u.id <> ?
                 AND NOT EXISTS (SELECT 1 FROM block_users b WHERE b.user_id = u.id AND b.blocked_user_id = ?)
                 AND NOT EXISTS (
                     SELECT 1
                     FROM user_names o
                     WHERE o.user_id = n.user_id AND o.kind = n.kind AND o.source <> n.source AND o.name_key BETWEEN ? AND ?
                         AND (o.name_key < n.name_key OR o.name_key = n.name_key AND o.source < n.source))
             ORDER BY n.name_key, n.user_id
             LIMIT ?",
        )
        .bind(query.kind.as_str())
        .bind(key.max(&query.prefix))
        .bind(&end)
        .bind(key)
        .bind(user.0)
        .bind(viewer.0)
        .bind(viewer.0)
        .bind(&query.prefix)
        .bind(&end)
        .bind(size.and_one())
        .fetch_all(self.0)
        .await
        .map_err(fault)?;
        let page = Page::cut(rows, size, |row| (row.name_key.clone(), UserId(row.profile.id)));
        Ok(page.map(|row| row.profile.into()))
    }

    /// People after an id who have no name keys yet, by id; not those whose accounts were deleted.
    pub async fn list_unnamed(self, after: UserId, limit: u32) -> Result<Vec<Names>, Fault> {
        let rows: Vec<(i32, String, Option<String>)> = sqlx::query_as(
            "SELECT u.id, u.username, u.display_name
             FROM users u
             LEFT JOIN user_names n ON n.user_id = u.id AND n.source = 'username' AND n.kind = 'letters'
             WHERE u.id > ? AND n.user_id IS NULL AND u.deleted_at IS NULL
             ORDER BY u.id
             LIMIT ?",
        )
        .bind(after.0)
        .bind(limit)
        .fetch_all(self.0)
        .await
        .map_err(fault)?;
        let names = |(id, username, display_name)| Names { user: UserId(id), username: Some(username), display_name };
        Ok(rows.into_iter().map(names).collect())
    }

    /// Adds name keys for people. Sends nothing if there are none.
    pub async fn insert_names(self, names: &[Names]) -> Result<(), Fault> {
        let mut rows = Vec::new();
        for Names { user, username, display_name } in names {
            for (source, name) in [("username", username), ("display_name", display_name)] {
                let Some((letters, initials)) = name.as_deref().map(name_keys) else { continue };
                rows.push((user.0, source, NameKeyKind::Letters, letters));
                rows.extend(initials.map(|initials| (user.0, source, NameKeyKind::Initials, initials)));
            }
        }
        if rows.is_empty() {
            return Ok(());
        }
        let mut query = QueryBuilder::new("INSERT INTO user_names (user_id, source, kind, name_key) ");
        query.push_values(rows, |mut row, (user, source, kind, key)| {
            row.push_bind(user).push_bind(source).push_bind(kind.as_str()).push_bind(key);
        });
        // Concurrent inserts for the same people write the same keys.
        query.push(" ON DUPLICATE KEY UPDATE name_key = VALUES(name_key)");
        query.build().execute(self.0).await.map_err(fault)?;
        Ok(())
    }

    /// Removes all name keys of a person.
    pub async fn remove_names(self, user: UserId) -> Result<(), Fault> {
        sqlx::query(
            "DELETE FROM user_names
             WHERE user_id = ?",
        )
        .bind(user.0)
        .execute(self.0)
        .await
        .map_err(fault)?;
        Ok(())
    }

    /// Removes the name keys of a display name.
    pub async fn remove_display_name(self, user: UserId) -> Result<(), Fault> {
        sqlx::query(
            "DELETE FROM user_names
             WHERE user_id = ? AND source = 'display_name'",
        )
        .bind(user.0)
        .execute(self.0)
        .await
        .map_err(fault)?;
        Ok(())
    }
}

#[derive(FromRow)]
struct FoundRow {
    name_key: String,
    #[sqlx(flatten)]
    profile: ProfileRow,
}

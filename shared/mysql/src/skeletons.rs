use crate::{Users, fault::fault};
use domain::{Fault, UserId, Username};
use sqlx::{MySqlExecutor, QueryBuilder};

/// Someone whose username has no skeleton: it is from a version before skeletons, or looks like an older account's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmatched {
    /// Who.
    pub user: UserId,
    /// The unique name.
    pub username: String,
}

impl<'e, E: MySqlExecutor<'e>> Users<E> {
    /// People after an id whose usernames have no skeletons, by id; not those whose accounts were deleted.
    pub async fn list_without_skeleton(self, after: UserId, limit: u32) -> Result<Vec<Unmatched>, Fault> {
        let rows: Vec<(i32, String)> = sqlx::query_as(
            "SELECT id, username
             FROM users
             WHERE username_skeleton IS NULL AND id > ? AND deleted_at IS NULL
             ORDER BY id
             LIMIT ?",
        )
        .bind(after.0)
        .bind(limit)
        .fetch_all(self.0)
        .await
        .map_err(fault)?;
        Ok(rows.into_iter().map(|(id, username)| Unmatched { user: UserId(id), username }).collect())
    }

    /// Gives usernames their skeletons. Of names that look alike the one with the lowest id gets it and the others stay
    /// without, as does a name whose skeleton is too long. No round trip if there are none.
    pub async fn fill_skeletons(self, people: &[Unmatched]) -> Result<(), Fault> {
        let skeleton = |person: &Unmatched| Some((person.user.0, Username::skeleton_of_old(&person.username)?));
        let skeletons: Vec<(i32, String)> = people.iter().filter_map(skeleton).collect();
        if skeletons.is_empty() {
            return Ok(());
        }
        // IGNORE leaves a row as it is where the unique key refuses the change.
        let mut query = QueryBuilder::new("UPDATE IGNORE users SET username_skeleton = CASE id");
        for (id, skeleton) in &skeletons {
            query.push(" WHEN ").push_bind(*id).push(" THEN ").push_bind(skeleton.as_str());
        }
        query.push(" END WHERE id IN (");
        let mut list = query.separated(", ");
        for (id, _) in &skeletons {
            list.push_bind(*id);
        }
        query.push(") ORDER BY id").build().execute(self.0).await.map_err(fault)?;
        Ok(())
    }
}

use crate::{
    GroupSnapshot, fault::fault, group_snapshot::SnapshotRow, lists::push_list, members::MembershipRow, users::picture,
};
use domain::{
    Fault, GroupDescription, GroupName, GroupRoom, MaxMembers, Membership, NameKeyKind, NameQuery, Page, PageSize,
    Patch, Picture, RoomId, Timestamp, UserId, WideMentions, name_keys,
};
use sqlx::{FromRow, MySqlConnection, MySqlExecutor, QueryBuilder};
use time::PrimitiveDateTime;

/// By how many of its first words a group is found.
const MOST_WORDS: usize = 8;

/// Groups, on the pool or in a transaction.
#[derive(Debug)]
pub struct Groups<E>(pub(crate) E);

/// A group, and what it knows of the person who looks at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewedGroup {
    /// The group.
    pub room: GroupRoom,
    /// The viewer's membership in whatever state; none if they never had one.
    pub of: Option<Membership>,
}

/// A group that somebody makes.
#[derive(Debug, Clone)]
pub struct NewGroup {
    /// The name.
    pub name: GroupName,
    /// What it is about.
    pub description: Option<GroupDescription>,
    /// Whether it is joined by invitation only.
    pub is_private: bool,
    /// How many members it may have.
    pub max_members: MaxMembers,
    /// Who may mention all members while it is large.
    pub wide_mentions: WideMentions,
    /// How many it has at once.
    pub members: i32,
    /// Who makes it.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
}

/// What somebody changes of a group; what is absent stays.
#[derive(Debug, Clone, Default)]
pub struct GroupPatch {
    /// Another name.
    pub name: Option<GroupName>,
    /// Another description, or none.
    pub description: Patch<GroupDescription>,
    /// Whether it is joined by invitation only.
    pub is_private: Option<bool>,
    /// How many members it may have.
    pub max_members: Option<MaxMembers>,
    /// Who may mention all members while it is large.
    pub wide_mentions: Option<WideMentions>,
}

/// Where a page of found groups begins: under which key the last one before it was found, and which it was.
pub type GroupNameKey = (String, RoomId);

impl<'e, E: MySqlExecutor<'e>> Groups<E> {
    /// A group, whoever looks at it; none if it is closed.
    pub async fn find(self, id: RoomId, viewer: UserId) -> Result<Option<ViewedGroup>, Fault> {
        let row: Option<ViewedRow> = sqlx::query_as(
            "SELECT r.id, r.name, r.description, r.is_private, r.max_members, r.wide_mentions, r.member_count,
                    r.picture_id, r.picture_hash,
                    r.created_at, r.updated_at, m.user_id, m.role, m.state, m.joined_at
             FROM group_chat_rooms r
             LEFT JOIN group_room_members m ON m.group_room_id = r.id AND m.user_id = ?
             WHERE r.id = ? AND r.is_active",
        )
        .bind(viewer.0)
        .bind(id.0)
        .fetch_optional(self.0)
        .await
        .map_err(fault)?;
        row.map(ViewedGroup::try_from).transpose()
    }

    /// Those of these groups that a person is in, by id.
    pub async fn list(self, ids: &[RoomId], viewer: UserId) -> Result<Vec<ViewedGroup>, Fault> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut query = QueryBuilder::new(
            "SELECT r.id, r.name, r.description, r.is_private, r.max_members, r.wide_mentions, r.member_count,
                    r.picture_id, r.picture_hash,
                    r.created_at, r.updated_at, m.user_id, m.role, m.state, m.joined_at
             FROM group_room_members m
             JOIN group_chat_rooms r ON r.id = m.group_room_id
             WHERE m.state = 'active' AND r.is_active AND m.user_id = ",
        );
        query.push_bind(viewer.0).push(" AND m.group_room_id IN ");
        push_list(&mut query, ids.iter().map(|id| id.0));
        query.push(" ORDER BY r.id");
        let rows: Vec<ViewedRow> = query.build_query_as().fetch_all(self.0).await.map_err(fault)?;
        rows.into_iter().map(ViewedGroup::try_from).collect()
    }

    /// The groups that everybody can join, by id.
    pub async fn list_public(
        self,
        viewer: UserId,
        after: Option<RoomId>,
        size: PageSize,
    ) -> Result<Page<ViewedGroup, RoomId>, Fault> {
        let rows: Vec<ViewedRow> = sqlx::query_as(
            "SELECT r.id, r.name, r.description, r.is_private, r.max_members, r.wide_mentions, r.member_count,
                    r.picture_id, r.picture_hash,
                    r.created_at, r.updated_at, m.user_id, m.role, m.state, m.joined_at
             FROM group_chat_rooms r FORCE INDEX (group_chat_rooms_public_idx)
             LEFT JOIN group_room_members m ON m.group_room_id = r.id AND m.user_id = ?
             WHERE r.is_private = FALSE AND r.is_active = TRUE AND r.id > ?
             ORDER BY r.id
             LIMIT ?",
        )
        .bind(viewer.0)
        .bind(after.map_or(0, |id| id.0))
        .bind(size.and_one())
        .fetch_all(self.0)
        .await
        .map_err(fault)?;
        let groups: Result<Vec<_>, Fault> = rows.into_iter().map(ViewedGroup::try_from).collect();
        Ok(Page::cut(groups?, size, |group| group.room.id))
    }

    /// The groups that everybody can join and whose name has a word that begins so, by the rest of the name. A group with several
    /// such words comes once.
    pub async fn search_public(
        self,
        query: &NameQuery,
        viewer: UserId,
        after: Option<&GroupNameKey>,
        size: PageSize,
    ) -> Result<Page<ViewedGroup, GroupNameKey>, Fault> {
        let first = (query.prefix.clone(), RoomId(0));
        let (key, room) = after.unwrap_or(&first);
        // Above every text that begins so, by the order of code points that the column's collation has.
        let end = format!("{}\u{10ffff}", query.prefix);
        let rows: Vec<FoundRow> = sqlx::query_as(
            "SELECT n.name_key, r.id, r.name, r.description, r.is_private, r.max_members, r.wide_mentions, r.member_count,
                    r.picture_id, r.picture_hash,
                    r.created_at, r.updated_at, m.user_id, m.role, m.state, m.joined_at
             FROM group_names n
             JOIN group_chat_rooms r ON r.id = n.group_room_id
             LEFT JOIN group_room_members m ON m.group_room_id = r.id AND m.user_id = ?
             WHERE n.kind = ? AND n.name_key BETWEEN ? AND ? AND (n.name_key > ? OR n.group_room_id > ?)
                 AND r.is_active AND NOT r.is_private
                 AND NOT EXISTS (
                     SELECT 1
                     FROM group_names o
                     WHERE o.group_room_id = n.group_room_id AND o.kind = n.kind AND o.word <> n.word
                         AND o.name_key BETWEEN ? AND ?
                         AND (o.name_key < n.name_key OR o.name_key = n.name_key AND o.word < n.word))
             ORDER BY n.name_key, n.group_room_id
             LIMIT ?",
        )
        .bind(viewer.0)
        .bind(query.kind.as_str())
        .bind(key.max(&query.prefix))
        .bind(&end)
        .bind(key)
        .bind(room.0)
        .bind(&query.prefix)
        .bind(&end)
        .bind(size.and_one())
        .fetch_all(self.0)
        .await
        .map_err(fault)?;
        let found: Result<Vec<_>, Fault> =
            rows.into_iter().map(|row| Ok((row.name_key, ViewedGroup::try_from(row.group)?))).collect();
        let page = Page::cut(found?, size, |(key, group)| (key.clone(), group.room.id));
        Ok(page.map(|(_, group)| group))
    }

    /// The group's rights, its name, the system messages that wait and the outbox rows of the changes, in one snapshot; a closed group has no
    /// members.
    pub async fn find_snapshot(self, id: RoomId) -> Result<Option<GroupSnapshot>, Fault> {
        let rows: Vec<SnapshotRow> = sqlx::query_as(
            "SELECT 'room' AS part, version AS number, NULL AS user_id, NULL AS actor_id, NULL AS role, NULL AS kind, name,
                    wide_mentions, created_at, is_private, picture_id, picture_hash
             FROM group_chat_rooms
             WHERE id = ?
             UNION ALL
             SELECT 'member', m.user_id, NULL, NULL, m.role, NULL, NULL, NULL, NULL, NULL, NULL, NULL
             FROM group_room_members m FORCE INDEX (group_room_members_state_idx)
             JOIN group_chat_rooms r ON r.id = m.group_room_id
             WHERE m.group_room_id = ? AND m.state = 'active' AND r.is_active
             UNION ALL
             SELECT 'event', id, user_id, actor_id, role, kind, name, NULL, created_at, NULL, NULL, NULL
             FROM group_room_events
             WHERE group_room_id = ?
             UNION ALL
             SELECT 'outbox', id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
             FROM outbox
             WHERE aggregate = 'group' AND aggregate_id = ?",
        )
        .bind(id.0)
        .bind(id.0)
        .bind(id.0)
        .bind(id.0)
        .fetch_all(self.0)
        .await
        .map_err(fault)?;
        GroupSnapshot::of(id, rows)
    }
}

impl Groups<&mut MySqlConnection> {
    /// Locks a group that is not closed until the transaction ends. Comes after the rows of people and before every read without a
    /// lock, so that those see what the one before has committed. Its members need no locks of their own.
    pub async fn lock(self, id: RoomId) -> Result<Option<GroupRoom>, Fault> {
        let row: Option<GroupRow> = sqlx::query_as(
            "SELECT id, name, description, is_private, max_members, wide_mentions, member_count, picture_id, picture_hash,
                    created_at, updated_at
             FROM group_chat_rooms
             WHERE id = ? AND is_active
             FOR UPDATE",
        )
        .bind(id.0)
        .fetch_optional(self.0)
        .await
        .map_err(fault)?;
        row.map(GroupRoom::try_from).transpose()
    }

    /// Adds a group; its members and its names go with it.
    pub async fn insert(self, new: &NewGroup) -> Result<RoomId, Fault> {
        let outcome = sqlx::query(
            "INSERT INTO group_chat_rooms
                 (name, description, is_private, created_by, max_members, wide_mentions, member_count, created_at, updated_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(new.name.as_str())
        .bind(new.description.as_ref().map(GroupDescription::as_str))
        .bind(new.is_private)
        .bind(new.by.0)
        .bind(new.max_members.get())
        .bind(new.wide_mentions.as_str())
        .bind(new.members)
        .bind(new.at.to_utc())
        .bind(new.at.to_utc())
        .execute(self.0)
        .await
        .map_err(fault)?;
        i32::try_from(outcome.last_insert_id()).map(RoomId).map_err(Fault::internal)
    }

    /// Raises the version of a locked group whose members or roles change, and counts so many members more, or fewer.
    pub async fn raise_version(self, id: RoomId, more: i32) -> Result<(), Fault> {
        sqlx::query(
            "UPDATE group_chat_rooms
             SET version = version + 1, member_count = member_count + ?
             WHERE id = ?",
        )
        .bind(more)
        .bind(id.0)
        .execute(self.0)
        .await
        .map_err(fault)?;
        Ok(())
    }

    /// Changes a locked group itself and raises its version. Its names go with it.
    pub async fn update(self, id: RoomId, patch: &GroupPatch, at: Timestamp) -> Result<(), Fault> {
        let mut query = QueryBuilder::new("UPDATE group_chat_rooms SET version = version + 1, updated_at = ");
        query.push_bind(at.to_utc());
        if let Some(name) = &patch.name {
            query.push(", name = ").push_bind(name.as_str());
        }
        match &patch.description {
            Patch::Keep => {}
            Patch::Clear => drop(query.push(", description = NULL")),
            Patch::Set(text) => drop(query.push(", description = ").push_bind(text.as_str())),
        }
        if let Some(is_private) = patch.is_private {
            query.push(", is_private = ").push_bind(is_private);
        }
        if let Some(max_members) = patch.max_members {
            query.push(", max_members = ").push_bind(max_members.get());
        }
        if let Some(wide_mentions) = patch.wide_mentions {
            query.push(", wide_mentions = ").push_bind(wide_mentions.as_str());
        }
        query.push(" WHERE id = ").push_bind(id.0);
        query.build().execute(self.0).await.map_err(fault)?;
        Ok(())
    }

    /// Gives a locked group another picture, or none, and raises its version.
    pub async fn update_picture(self, id: RoomId, new: Option<&Picture>, at: Timestamp) -> Result<(), Fault> {
        sqlx::query(
            "UPDATE group_chat_rooms
             SET picture_id = ?, picture_hash = ?, version = version + 1, updated_at = ?
             WHERE id = ?",
        )
        .bind(new.map(|picture| picture.id.to_string()))
        .bind(new.map(|picture| picture.thumbhash.as_str()))
        .bind(at.to_utc())
        .bind(id.0)
        .execute(self.0)
        .await
        .map_err(fault)?;
        Ok(())
    }

    /// Closes a locked group and raises its version. Its members leave with `members().close`, and its names go.
    pub async fn close(self, id: RoomId, at: Timestamp) -> Result<(), Fault> {
        sqlx::query(
            "UPDATE group_chat_rooms
             SET version = version + 1, is_active = FALSE, member_count = 0, picture_id = NULL, picture_hash = NULL, updated_at = ?
             WHERE id = ?",
        )
        .bind(at.to_utc())
        .bind(id.0)
        .execute(self.0)
        .await
        .map_err(fault)?;
        Ok(())
    }

    /// Lets a public group be found by its name.
    pub async fn insert_names(self, id: RoomId, name: &str) -> Result<(), Fault> {
        let mut query = QueryBuilder::new("INSERT INTO group_names (group_room_id, kind, word, name_key) ");
        query.push_values(keys(name), |mut row, (kind, word, key)| {
            row.push_bind(id.0).push_bind(kind.as_str()).push_bind(word).push_bind(key);
        });
        query.build().execute(self.0).await.map_err(fault)?;
        Ok(())
    }

    /// Lets a group be found by no name.
    pub async fn remove_names(self, id: RoomId) -> Result<(), Fault> {
        sqlx::query(
            "DELETE FROM group_names
             WHERE group_room_id = ?",
        )
        .bind(id.0)
        .execute(self.0)
        .await
        .map_err(fault)?;
        Ok(())
    }
}

/// What a name is found by: the whole of it and what is left after each of its first words. The same initials again, where a word
/// has none, are left out.
fn keys(name: &str) -> Vec<(NameKeyKind, i32, String)> {
    let words: Vec<_> = name.split_whitespace().collect();
    let mut found = Vec::new();
    let mut before = None;
    for (word, number) in (0..words.len().min(MOST_WORDS)).zip(0..) {
        let (letters, initials) = name_keys(&words[word..].join(" "));
        found.push((NameKeyKind::Letters, number, letters));
        if initials != before {
            found.extend(initials.clone().map(|initials| (NameKeyKind::Initials, number, initials)));
        }
        before = initials;
    }
    found
}

#[derive(FromRow)]
pub(crate) struct GroupRow {
    id: i32,
    name: String,
    description: Option<String>,
    is_private: bool,
    max_members: i32,
    wide_mentions: String,
    member_count: i32,
    picture_id: Option<String>,
    picture_hash: Option<String>,
    created_at: PrimitiveDateTime,
    updated_at: PrimitiveDateTime,
}

impl TryFrom<GroupRow> for GroupRoom {
    type Error = Fault;

    fn try_from(row: GroupRow) -> Result<Self, Fault> {
        let GroupRow { id, name, description, is_private, max_members, wide_mentions, member_count, .. } = row;
        Ok(Self {
            id: RoomId(id),
            name,
            description,
            is_private,
            max_members,
            wide_mentions: wide_mentions.parse().map_err(Fault::internal)?,
            member_count,
            picture: picture(row.picture_id, row.picture_hash),
            created_at: row.created_at.into(),
            updated_at: row.updated_at.into(),
        })
    }
}

/// A group beside a row of its members, where there is one.
#[derive(FromRow)]
pub(crate) struct ViewedRow {
    #[sqlx(flatten)]
    room: GroupRow,
    user_id: Option<i32>,
    role: Option<String>,
    state: Option<String>,
    joined_at: Option<PrimitiveDateTime>,
}

impl TryFrom<ViewedRow> for ViewedGroup {
    type Error = Fault;

    fn try_from(row: ViewedRow) -> Result<Self, Fault> {
        let ViewedRow { room, user_id, role, state, joined_at } = row;
        let of = user_id.zip(role).zip(state.zip(joined_at));
        let of = of.map(|((user_id, role), (state, joined_at))| MembershipRow { user_id, role, state, joined_at });
        Ok(Self { room: room.try_into()?, of: of.map(Membership::try_from).transpose()? })
    }
}

#[derive(FromRow)]
struct FoundRow {
    name_key: String,
    #[sqlx(flatten)]
    group: ViewedRow,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_is_found_by_each_of_its_first_words() {
        let letters = |name: &str| name_keys(name).0;
        assert_eq!(
            keys("서울 hike 모임"),
            [
                (NameKeyKind::Letters, 0, letters("서울 hike 모임")),
                (NameKeyKind::Initials, 0, "\u{1109}\u{110b}\u{1106}\u{110b}".to_owned()),
                (NameKeyKind::Letters, 1, "hike ".to_owned() + &letters("모임")),
                (NameKeyKind::Initials, 1, "\u{1106}\u{110b}".to_owned()),
                (NameKeyKind::Letters, 2, letters("모임")),
            ]
        );
        assert_eq!(keys(&"a ".repeat(40)).len(), MOST_WORDS);
    }
}

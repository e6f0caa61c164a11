use crate::{fault::fault, lists::push_list, users::ProfileRow};
use domain::{Fault, Membership, MembershipState, NameQuery, Page, PageSize, Participant, RoomId, Timestamp, UserId};
use sqlx::{FromRow, MySqlConnection, MySqlExecutor, QueryBuilder};
use time::PrimitiveDateTime;

/// Who is in which group, or how they left it, on the pool or in a transaction. The lock of the group guards them.
#[derive(Debug)]
pub struct Members<E>(pub(crate) E);

/// Somebody in a group, or banned from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupMember {
    /// Who, as the one who looks sees them.
    pub user: Participant,
    /// What the group knows of them.
    pub membership: Membership,
    /// When that last changed.
    pub changed_at: Timestamp,
}

impl<'e, E: MySqlExecutor<'e>> Members<E> {
    /// What a group knows of a person.
    pub async fn find(self, room: RoomId, user: UserId) -> Result<Option<Membership>, Fault> {
        let row: Option<MembershipRow> = sqlx::query_as(
            "SELECT user_id, role, state, joined_at
             FROM group_room_members
             WHERE group_room_id = ? AND user_id = ?",
        )
        .bind(room.0)
        .bind(user.0)
        .fetch_optional(self.0)
        .await
        .map_err(fault)?;
        row.map(Membership::try_from).transpose()
    }

    /// What a group knows of some people, by id.
    pub async fn list(self, room: RoomId, users: &[UserId]) -> Result<Vec<Membership>, Fault> {
        if users.is_empty() {
            return Ok(Vec::new());
        }
        // Without the hint a group of many is read whole.
        let mut query = QueryBuilder::new(
            "SELECT user_id, role, state, joined_at
             FROM group_room_members FORCE INDEX (group_room_members_membership_key)
             WHERE group_room_id = ",
        );
        query.push_bind(room.0).push(" AND user_id IN ");
        push_list(&mut query, users.iter().map(|user| user.0));
        query.push(" ORDER BY user_id");
        let rows: Vec<MembershipRow> = query.build_query_as().fetch_all(self.0).await.map_err(fault)?;
        rows.into_iter().map(Membership::try_from).collect()
    }

    /// Who is in a group, or banned from it, by id.
    pub async fn page(
        self,
        room: RoomId,
        viewer: UserId,
        state: MembershipState,
        after: Option<UserId>,
        size: PageSize,
    ) -> Result<Page<GroupMember, UserId>, Fault> {
        let rows: Vec<MemberRow> = sqlx::query_as(
            "SELECT u.id, u.username, u.display_name, u.status_message, u.avatar_id, u.avatar_hash, m.user_id, m.role, m.state,
                    m.joined_at, m.updated_at,
                    u.is_active AND NOT EXISTS (
                        SELECT 1 FROM block_users x WHERE x.user_id = u.id AND x.blocked_user_id = ?) AS is_available
             FROM group_room_members m FORCE INDEX (group_room_members_state_idx)
             JOIN users u ON u.id = m.user_id
             WHERE m.group_room_id = ? AND m.state = ? AND m.user_id > ?
             ORDER BY m.user_id
             LIMIT ?",
        )
        .bind(viewer.0)
        .bind(room.0)
        .bind(state.as_str())
        .bind(after.map_or(0, |user| user.0))
        .bind(size.and_one())
        .fetch_all(self.0)
        .await
        .map_err(fault)?;
        page(rows, size)
    }

    /// The members of a group whose username or display name has this prefix, by id, without those who have blocked the viewer and
    /// those whose accounts are not active. Looks at the group's members, however many people have such a name.
    pub async fn search(
        self,
        room: RoomId,
        viewer: UserId,
        query: &NameQuery,
        after: Option<UserId>,
        size: PageSize,
    ) -> Result<Page<GroupMember, UserId>, Fault> {
        // Above every text that begins so, by the order of code points that the column's collation has.
        let end = format!("{}\u{10ffff}", query.prefix);
        // Counted, as EXISTS may be turned around into a join that begins with everybody who has such a name.
        let rows: Vec<MemberRow> = sqlx::query_as(
            "SELECT u.id, u.username, u.display_name, u.status_message, u.avatar_id, u.avatar_hash, m.user_id, m.role, m.state,
                    m.joined_at, m.updated_at,
                    TRUE AS is_available
             FROM group_room_members m FORCE INDEX (group_room_members_state_idx)
             JOIN users u ON u.id = m.user_id
             WHERE m.group_room_id = ? AND m.state = 'active' AND m.user_id > ? AND u.is_active
                 AND NOT EXISTS (SELECT 1 FROM block_users x WHERE x.user_id = u.id AND x.blocked_user_id = ?)
                 AND (SELECT COUNT(*)
                      FROM user_names n FORCE INDEX (PRIMARY)
                      WHERE n.user_id = m.user_id AND n.kind = ? AND n.name_key BETWEEN ? AND ?) > 0
             ORDER BY m.user_id
             LIMIT ?",
        )
        .bind(room.0)
        .bind(after.map_or(0, |user| user.0))
        .bind(viewer.0)
        .bind(query.kind.as_str())
        .bind(&query.prefix)
        .bind(end)
        .bind(size.and_one())
        .fetch_all(self.0)
        .await
        .map_err(fault)?;
        page(rows, size)
    }

    /// In how many groups each of some people is; who is in none is left out.
    pub async fn count_groups(self, users: &[UserId]) -> Result<Vec<(UserId, i64)>, Fault> {
        if users.is_empty() {
            return Ok(Vec::new());
        }
        let mut query = QueryBuilder::new(
            "SELECT user_id, COUNT(*)
             FROM group_room_members FORCE INDEX (group_room_members_groups_idx)
             WHERE state = 'active' AND user_id IN ",
        );
        push_list(&mut query, users.iter().map(|user| user.0));
        query.push(" GROUP BY user_id");
        let rows: Vec<(i32, i64)> = query.build_query_as().fetch_all(self.0).await.map_err(fault)?;
        Ok(rows.into_iter().map(|(user, count)| (UserId(user), count)).collect())
    }

    /// The groups that a person is in, by id.
    pub async fn list_groups(
        self,
        user: UserId,
        after: Option<RoomId>,
        limit: u32,
    ) -> Result<Vec<(RoomId, Membership)>, Fault> {
        let rows: Vec<OfGroupRow> = sqlx::query_as(
            "SELECT group_room_id, user_id, role, state, joined_at
             FROM group_room_members FORCE INDEX (group_room_members_groups_idx)
             WHERE user_id = ? AND state = 'active' AND group_room_id > ?
             ORDER BY group_room_id
             LIMIT ?",
        )
        .bind(user.0)
        .bind(after.map_or(0, |room| room.0))
        .bind(limit)
        .fetch_all(self.0)
        .await
        .map_err(fault)?;
        rows.into_iter().map(|row| Ok((RoomId(row.group_room_id), row.membership.try_into()?))).collect()
    }

    /// The groups that a person was ever in, by when they first came; the key is no group's.
    pub async fn list_ever(self, user: UserId, after: i64, size: PageSize) -> Result<Page<RoomId, i64>, Fault> {
        let rows: Vec<(i32, i32)> = sqlx::query_as(
            "SELECT id, group_room_id
             FROM group_room_members FORCE INDEX (group_room_members_user_id_idx)
             WHERE user_id = ? AND id > ?
             ORDER BY id
             LIMIT ?",
        )
        .bind(user.0)
        .bind(after)
        .bind(size.and_one())
        .fetch_all(self.0)
        .await
        .map_err(fault)?;
        Ok(Page::cut(rows, size, |(id, _)| i64::from(*id)).map(|(_, room)| RoomId(room)))
    }

    /// Who owns a group after its owner: the admin who has been in it the longest, or else such a member, whose account is active.
    pub async fn find_successor(self, room: RoomId, leaving: UserId) -> Result<Option<Membership>, Fault> {
        let row: Option<MembershipRow> = sqlx::query_as(
            "SELECT m.user_id, m.role, m.state, m.joined_at
             FROM group_room_members m FORCE INDEX (group_room_members_state_idx)
             JOIN users u ON u.id = m.user_id
             WHERE m.group_room_id = ? AND m.state = 'active' AND m.user_id <> ? AND u.is_active
             ORDER BY m.role = 'admin' DESC, m.joined_at, m.user_id
             LIMIT 1",
        )
        .bind(room.0)
        .bind(leaving.0)
        .fetch_optional(self.0)
        .await
        .map_err(fault)?;
        row.map(Membership::try_from).transpose()
    }
}

impl Members<&mut MySqlConnection> {
    /// Adds people, whose rows the transaction has locked, to a locked group, or changes those whom it knows. Sends nothing if there
    /// are none.
    pub async fn insert(self, room: RoomId, memberships: &[Membership], at: Timestamp) -> Result<(), Fault> {
        if memberships.is_empty() {
            return Ok(());
        }
        let mut query = QueryBuilder::new(
            "INSERT INTO group_room_members
                 (group_room_id, user_id, role, state, is_active, joined_at, left_at, created_at, updated_at) ",
        );
        query.push_values(memberships, |mut row, of| {
            let is_active = of.state == MembershipState::Active;
            row.push_bind(room.0).push_bind(of.user.0).push_bind(of.role.as_str()).push_bind(of.state.as_str());
            row.push_bind(is_active).push_bind(of.joined_at.to_utc()).push_bind((!is_active).then(|| at.to_utc()));
            row.push_bind(at.to_utc()).push_bind(at.to_utc());
        });
        query.push(
            " ON DUPLICATE KEY UPDATE role = VALUES(role), state = VALUES(state), is_active = VALUES(is_active),
                  joined_at = VALUES(joined_at), left_at = VALUES(left_at), updated_at = VALUES(updated_at)",
        );
        // Another number of people is another text.
        query.build().persistent(memberships.len() == 1).execute(self.0).await.map_err(fault)?;
        Ok(())
    }

    /// Changes what a locked group knows of a person.
    pub async fn update(self, room: RoomId, of: &Membership, at: Timestamp) -> Result<(), Fault> {
        let is_active = of.state == MembershipState::Active;
        sqlx::query(
            "UPDATE group_room_members
             SET role = ?, state = ?, is_active = ?, joined_at = ?, left_at = ?, updated_at = ?
             WHERE group_room_id = ? AND user_id = ?",
        )
        .bind(of.role.as_str())
        .bind(of.state.as_str())
        .bind(is_active)
        .bind(of.joined_at.to_utc())
        .bind((!is_active).then(|| at.to_utc()))
        .bind(at.to_utc())
        .bind(room.0)
        .bind(of.user.0)
        .execute(self.0)
        .await
        .map_err(fault)?;
        Ok(())
    }

    /// Lets everybody leave a locked group that is closed.
    pub async fn close(self, room: RoomId, at: Timestamp) -> Result<(), Fault> {
        // Without the hint a small table is scanned, and all of it locked.
        sqlx::query(
            "UPDATE group_room_members FORCE INDEX (group_room_members_state_idx)
             SET state = 'left', is_active = FALSE, left_at = ?, updated_at = ?
             WHERE group_room_id = ? AND state = 'active'",
        )
        .bind(at.to_utc())
        .bind(at.to_utc())
        .bind(room.0)
        .execute(self.0)
        .await
        .map_err(fault)?;
        Ok(())
    }
}

fn page(rows: Vec<MemberRow>, size: PageSize) -> Result<Page<GroupMember, UserId>, Fault> {
    let members: Result<Vec<_>, Fault> = rows.into_iter().map(GroupMember::try_from).collect();
    Ok(Page::cut(members?, size, |member| member.membership.user))
}

#[derive(FromRow)]
pub(crate) struct MembershipRow {
    pub(crate) user_id: i32,
    pub(crate) role: String,
    pub(crate) state: String,
    pub(crate) joined_at: PrimitiveDateTime,
}

impl TryFrom<MembershipRow> for Membership {
    type Error = Fault;

    fn try_from(row: MembershipRow) -> Result<Self, Fault> {
        let MembershipRow { user_id, role, state, joined_at } = row;
        Ok(Self {
            user: UserId(user_id),
            role: role.parse().map_err(Fault::internal)?,
            state: state.parse().map_err(Fault::internal)?,
            joined_at: joined_at.into(),
        })
    }
}

#[derive(FromRow)]
struct OfGroupRow {
    group_room_id: i32,
    #[sqlx(flatten)]
    membership: MembershipRow,
}

#[derive(FromRow)]
struct MemberRow {
    #[sqlx(flatten)]
    user: ProfileRow,
    #[sqlx(flatten)]
    membership: MembershipRow,
    updated_at: PrimitiveDateTime,
    is_available: bool,
}

impl TryFrom<MemberRow> for GroupMember {
    type Error = Fault;

    fn try_from(row: MemberRow) -> Result<Self, Fault> {
        let MemberRow { user, membership, updated_at, is_available } = row;
        Ok(Self {
            user: Participant { profile: user.into(), is_available },
            membership: membership.try_into()?,
            changed_at: updated_at.into(),
        })
    }
}

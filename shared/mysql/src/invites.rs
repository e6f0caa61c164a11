use crate::{ViewedGroup, fault::fault, groups::ViewedRow};
use domain::{Fault, Invite, InviteId, Page, PageSize, RoomId, Timestamp, UserId};
use sqlx::{FromRow, MySqlConnection, MySqlExecutor};
use time::PrimitiveDateTime;

/// Links by which people join groups, on the pool or in a transaction.
#[derive(Debug)]
pub struct Invites<E>(pub(crate) E);

/// A link that somebody makes.
#[derive(Debug, Clone)]
pub struct NewInvite {
    /// The group.
    pub room: RoomId,
    /// Who makes it.
    pub by: UserId,
    /// The hash of its code: 64 hex digits.
    pub code_hash: String,
    /// When it is over, if ever.
    pub expires_at: Option<Timestamp>,
    /// How many people may join by it, if not as many as like.
    pub max_uses: Option<i32>,
    /// When it is made.
    pub at: Timestamp,
}

impl<'e, E: MySqlExecutor<'e>> Invites<E> {
    /// The invite with a code, whether it is open or not, and its group as a viewer finds it; none if the group is closed.
    pub async fn find_by_hash(self, code_hash: &str, viewer: UserId) -> Result<Option<(Invite, ViewedGroup)>, Fault> {
        let row: Option<FoundRow> = sqlx::query_as(
            "SELECT i.id AS invite_id, i.group_room_id, i.created_by, i.expires_at, i.max_uses, i.uses, i.revoked_at,
                    i.created_at AS invited_at,
                    r.id, r.name, r.description, r.is_private, r.max_members, r.wide_mentions, r.member_count,
                    r.picture_id, r.picture_hash,
                    r.created_at, r.updated_at, m.user_id, m.role, m.state, m.joined_at
             FROM group_room_invites i
             JOIN group_chat_rooms r ON r.id = i.group_room_id
             LEFT JOIN group_room_members m ON m.group_room_id = r.id AND m.user_id = ?
             WHERE i.code_hash = ? AND r.is_active",
        )
        .bind(viewer.0)
        .bind(code_hash)
        .fetch_optional(self.0)
        .await
        .map_err(fault)?;
        row.map(|row| Ok((row.invite.into(), row.group.try_into()?))).transpose()
    }

    /// A group's invites that are not revoked, the newest first.
    pub async fn list(
        self,
        room: RoomId,
        before: Option<InviteId>,
        size: PageSize,
    ) -> Result<Page<Invite, InviteId>, Fault> {
        let rows: Vec<InviteRow> = sqlx::query_as(
            "SELECT id AS invite_id, group_room_id, created_by, expires_at, max_uses, uses, revoked_at, created_at AS invited_at
             FROM group_room_invites FORCE INDEX (group_room_invites_room_idx)
             WHERE group_room_id = ? AND revoked_at IS NULL AND id < ?
             ORDER BY id DESC
             LIMIT ?",
        )
        .bind(room.0)
        .bind(before.map_or(i32::MAX, |id| id.0))
        .bind(size.and_one())
        .fetch_all(self.0)
        .await
        .map_err(fault)?;
        Ok(Page::cut(rows.into_iter().map(Invite::from).collect(), size, |invite: &Invite| invite.id))
    }

    /// How many invites of a group are not revoked.
    pub async fn count(self, room: RoomId) -> Result<i64, Fault> {
        sqlx::query_scalar(
            "SELECT COUNT(*)
             FROM group_room_invites FORCE INDEX (group_room_invites_room_idx)
             WHERE group_room_id = ? AND revoked_at IS NULL",
        )
        .bind(room.0)
        .fetch_one(self.0)
        .await
        .map_err(fault)
    }
}

impl Invites<&mut MySqlConnection> {
    /// Adds an invite to a locked group; the row of who makes it is locked before.
    pub async fn insert(self, new: &NewInvite) -> Result<InviteId, Fault> {
        let outcome = sqlx::query(
            "INSERT INTO group_room_invites (group_room_id, created_by, code_hash, expires_at, max_uses, created_at)
             VALUES (?, ?, ?, ?, ?, ?)",
        )
        .bind(new.room.0)
        .bind(new.by.0)
        .bind(&new.code_hash)
        .bind(new.expires_at.map(Timestamp::to_utc))
        .bind(new.max_uses)
        .bind(new.at.to_utc())
        .execute(self.0)
        .await
        .map_err(fault)?;
        i32::try_from(outcome.last_insert_id()).map(InviteId).map_err(Fault::internal)
    }

    /// Takes one use of an invite; false if it has none left, is late or is revoked. Of many at once, as many succeed as uses are
    /// left.
    pub async fn take(self, id: InviteId, at: Timestamp) -> Result<bool, Fault> {
        let outcome = sqlx::query(
            "UPDATE group_room_invites
             SET uses = uses + 1
             WHERE id = ? AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?)
                 AND (max_uses IS NULL OR uses < max_uses)",
        )
        .bind(id.0)
        .bind(at.to_utc())
        .execute(self.0)
        .await
        .map_err(fault)?;
        Ok(outcome.rows_affected() == 1)
    }

    /// Ends an invite of a group, if it was not ended before; false if the group never had such one.
    pub async fn revoke(self, room: RoomId, id: InviteId, at: Timestamp) -> Result<bool, Fault> {
        let outcome = sqlx::query(
            "UPDATE group_room_invites FORCE INDEX (PRIMARY)
             SET revoked_at = COALESCE(revoked_at, ?)
             WHERE id = ? AND group_room_id = ?",
        )
        .bind(at.to_utc())
        .bind(id.0)
        .bind(room.0)
        .execute(self.0)
        .await
        .map_err(fault)?;
        Ok(outcome.rows_affected() == 1)
    }

    /// Ends what a person made for a locked group: they may no longer let anybody in.
    pub async fn revoke_of(self, room: RoomId, user: UserId, at: Timestamp) -> Result<(), Fault> {
        // Without the hint the person's invites to all groups may be read, and locked.
        sqlx::query(
            "UPDATE group_room_invites FORCE INDEX (group_room_invites_room_idx)
             SET revoked_at = ?
             WHERE group_room_id = ? AND created_by = ? AND revoked_at IS NULL",
        )
        .bind(at.to_utc())
        .bind(room.0)
        .bind(user.0)
        .execute(self.0)
        .await
        .map_err(fault)?;
        Ok(())
    }
}

#[derive(FromRow)]
struct InviteRow {
    invite_id: i32,
    group_room_id: i32,
    created_by: i32,
    expires_at: Option<PrimitiveDateTime>,
    max_uses: Option<i32>,
    uses: i32,
    revoked_at: Option<PrimitiveDateTime>,
    invited_at: PrimitiveDateTime,
}

impl From<InviteRow> for Invite {
    fn from(row: InviteRow) -> Self {
        Self {
            id: InviteId(row.invite_id),
            room: RoomId(row.group_room_id),
            by: UserId(row.created_by),
            expires_at: row.expires_at.map(Timestamp::from),
            max_uses: row.max_uses,
            uses: row.uses,
            is_revoked: row.revoked_at.is_some(),
            created_at: row.invited_at.into(),
        }
    }
}

#[derive(FromRow)]
struct FoundRow {
    #[sqlx(flatten)]
    invite: InviteRow,
    #[sqlx(flatten)]
    group: ViewedRow,
}

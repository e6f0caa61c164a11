use crate::{OutboxId, users::picture};
use domain::{Access, Fault, Member, Picture, RoomEvent, RoomId, RoomKey, System, Timestamp, UserId, WideMentions};
use sqlx::FromRow;
use time::PrimitiveDateTime;

/// A group's rights as of one moment, and what is left to be done of the changes that are in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupSnapshot {
    /// Who may do what.
    pub access: Access,
    /// What the group is called.
    pub name: String,
    /// Who may mention all members while it is large.
    pub wide_mentions: WideMentions,
    /// Whether everybody can find and join it, and see its picture.
    pub is_public: bool,
    /// Its picture, if it shows one.
    pub picture: Option<Picture>,
    /// When the group was made.
    pub created_at: Timestamp,
    /// Changes whose system messages may not be placed yet, in the order in which they happened.
    pub events: Vec<RoomEvent>,
    /// Done once `access` is projected and the events are placed.
    pub outbox: Vec<OutboxId>,
}

#[derive(FromRow)]
pub(crate) struct SnapshotRow {
    part: String,
    number: i64,
    user_id: Option<i32>,
    actor_id: Option<i32>,
    role: Option<String>,
    kind: Option<String>,
    name: Option<String>,
    wide_mentions: Option<String>,
    created_at: Option<PrimitiveDateTime>,
    is_private: Option<bool>,
    picture_id: Option<String>,
    picture_hash: Option<String>,
}

impl GroupSnapshot {
    pub(crate) fn of(id: RoomId, rows: Vec<SnapshotRow>) -> Result<Option<Self>, Fault> {
        let (mut room, mut members, mut events, mut outbox) = (None, Vec::new(), Vec::new(), Vec::new());
        for row in rows {
            match row.part.as_str() {
                "member" => members.push(Member {
                    user: UserId(i32::try_from(row.number).map_err(Fault::internal)?),
                    role: row.role.unwrap_or_default().parse().map_err(Fault::internal)?,
                }),
                "event" => events.push(row.event(id)?),
                "outbox" => outbox.push(OutboxId(row.number)),
                _ => room = Some(row),
            }
        }
        let Some(room) = room else { return Ok(None) };
        let SnapshotRow { number: version, name, wide_mentions, created_at, is_private, .. } = room;
        let picture = picture(room.picture_id, room.picture_hash);
        members.sort_unstable_by_key(|member| member.user);
        events.sort_unstable_by_key(|event: &RoomEvent| event.id);
        let access = Access { room: RoomKey::group(id), version, members, blocked: false };
        let created_at = created_at.map(Timestamp::from).ok_or_else(|| Fault::internal("a group without its time"))?;
        let wide_mentions = wide_mentions.unwrap_or_default().parse().map_err(Fault::internal)?;
        Ok(Some(Self {
            access,
            name: name.unwrap_or_default(),
            wide_mentions,
            is_public: is_private == Some(false),
            picture,
            created_at,
            events,
            outbox,
        }))
    }
}

impl SnapshotRow {
    fn event(self, room: RoomId) -> Result<RoomEvent, Fault> {
        let is_missing = || Fault::internal("an event without what it needs");
        let system = System {
            kind: self.kind.ok_or_else(is_missing)?.parse().map_err(Fault::internal)?,
            user: self.user_id.map(UserId),
            by: self.actor_id.map(UserId).ok_or_else(is_missing)?,
            role: self.role.map(|role| role.parse()).transpose().map_err(Fault::internal)?,
            name: self.name,
        };
        let at = self.created_at.map(Timestamp::from).ok_or_else(is_missing)?;
        Ok(RoomEvent { id: self.number, room, system, at })
    }
}

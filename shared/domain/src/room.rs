use crate::{Code, GroupAct, Profile, RoomId, RoomKey, RoomKind, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};

/// How many people a person may block.
pub const MOST_BLOCKS: i64 = 1_000;

/// What a member may do in a room.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, EnumString, IntoStaticStr,
)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Role {
    /// Reads and writes messages.
    Member,
    /// Also edits the room and manages its members.
    Admin,
    /// Also appoints admins; a group has one owner.
    Owner,
}

impl Role {
    /// The word on the wire and in the stores.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A member of a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// The person's id.
    pub user: UserId,
    /// The role.
    pub role: Role,
}

/// The members of a room and their rights, as of one version of the room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// The room.
    pub room: RoomKey,
    /// Counts the changes of the room. A higher version replaces a lower one.
    pub version: i64,
    /// The members; empty if the room is deleted.
    pub members: Vec<Member>,
    /// Whether one of two people has blocked the other or has no active account; the two cases look the same. Both may read and
    /// delete their own messages, and neither may write.
    pub blocked: bool,
}

/// The rights of one member in a room, as of one version of the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rights {
    /// The room.
    pub room: RoomKey,
    /// Counts the changes of the room.
    pub version: i64,
    /// The member's role.
    pub role: Role,
    /// Whether one of two people has blocked the other or has no active account.
    pub blocked: bool,
}

/// What a member does in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Sends or edits a message.
    Write,
    /// Deletes a message of their own, or takes a reaction back.
    Delete,
    /// Deletes somebody else's message.
    Moderate,
    /// Pins or unpins a message.
    Pin,
}

impl Act {
    /// Whether it needs a room that is not blocked. Deleting one's own message does not.
    pub const fn needs_open_room(self) -> bool {
        matches!(self, Self::Write | Self::Pin)
    }

    /// What it is in a group, whose roles decide.
    pub const fn in_group(self) -> GroupAct {
        match self {
            Self::Write | Self::Delete => GroupAct::Write,
            Self::Moderate => GroupAct::DeleteMessages,
            Self::Pin => GroupAct::Pin,
        }
    }
}

impl Rights {
    /// `RecipientUnavailable` if the room is blocked. The code does not say who blocked whom.
    pub fn admit_writer(&self) -> Result<(), Code> {
        self.admit(Act::Write)
    }

    /// Whether the member may do something. Of two people both may do the same, and neither may delete what the other one wrote.
    pub fn admit(&self, act: Act) -> Result<(), Code> {
        if self.blocked && act.needs_open_room() {
            return Err(Code::RecipientUnavailable);
        }
        match self.room.kind {
            RoomKind::Private if act == Act::Moderate => Err(Code::NotAuthor),
            RoomKind::Private => Ok(()),
            RoomKind::Group => self.role.may(act.in_group()),
        }
    }
}

/// A 1:1 room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrivateRoom {
    /// The room's id.
    pub id: RoomId,
    /// Both people, ordered by id.
    pub participants: [Participant; 2],
    /// The time of creation.
    pub created_at: Timestamp,
    /// The time of the latest change.
    pub updated_at: Timestamp,
}

/// A person in a 1:1 room, as the other one sees them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Participant {
    /// The profile.
    pub profile: Profile,
    /// Whether the account is active and has not blocked the viewer. Otherwise it looks deleted.
    pub is_available: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocked_room_allows_deleting_but_not_writing() {
        let room = RoomKey::private(RoomId(1));
        let blocked = Rights { room, version: 1, role: Role::Member, blocked: true };

        assert_eq!(blocked.admit(Act::Write), Err(Code::RecipientUnavailable));
        assert_eq!(blocked.admit(Act::Pin), Err(Code::RecipientUnavailable));
        assert_eq!(blocked.admit(Act::Delete), Ok(()));
    }

    #[test]
    fn staff_of_a_group_pins_and_deletes_what_others_wrote() {
        let group = RoomKey { kind: RoomKind::Group, id: RoomId(1) };
        let rights = |room, role| Rights { room, version: 1, role, blocked: false };
        for act in [Act::Moderate, Act::Pin] {
            assert_eq!(rights(group, Role::Member).admit(act), Err(Code::NotPermitted));
            for role in [Role::Admin, Role::Owner] {
                assert_eq!(rights(group, role).admit(act), Ok(()));
            }
        }
        let private = RoomKey::private(RoomId(1));
        assert_eq!(rights(private, Role::Member).admit(Act::Pin), Ok(()));
        for role in [Role::Member, Role::Owner] {
            assert_eq!(rights(private, role).admit(Act::Moderate), Err(Code::NotAuthor));
        }
    }
}

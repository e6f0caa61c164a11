use crate::{Code, Profile, RoomId, RoomKey, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

/// The most people whom a person may block.
pub const MOST_BLOCKS: i64 = 1_000;

/// What a member may do in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Role {
    /// Reads and writes.
    Member,
    /// Also looks after the room.
    Admin,
    /// Also names admins; one per group.
    Owner,
}

impl Role {
    /// The word on the wire and in the stores.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Someone in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub user: UserId,
    /// As what.
    pub role: Role,
}

/// Who may do what in a room, as of a version of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// Which room.
    pub room: RoomKey,
    /// Counts the changes of the room; a higher one replaces a lower one.
    pub version: i64,
    /// The people in it; empty once the room is gone.
    pub members: Vec<Member>,
    /// Whether one of two people has blocked the other or has no active account, which looks alike: both read on and may delete
    /// what they wrote, and neither writes.
    pub blocked: bool,
}

/// What one person may do in a room that they are in, as of a version of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rights {
    /// Which room.
    pub room: RoomKey,
    /// Counts the changes of the room.
    pub version: i64,
    /// As what they are in it.
    pub role: Role,
    /// Whether one of two people has blocked the other or has no active account.
    pub blocked: bool,
}

/// What a member does in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Sends or edits a message.
    Write,
    /// Deletes a message of their own.
    Delete,
}

impl Act {
    /// Whether it takes a room that is not blocked: whoever has blocked the other one may still take back what they said.
    pub const fn needs_open_room(self) -> bool {
        matches!(self, Self::Write)
    }
}

impl Rights {
    /// Lets those pass who may write. Which of two people blocked the other is told to neither.
    pub fn admit_writer(&self) -> Result<(), Code> {
        self.admit(Act::Write)
    }

    /// Lets those pass who may do something.
    pub fn admit(&self, act: Act) -> Result<(), Code> {
        if self.blocked && act.needs_open_room() { Err(Code::RecipientUnavailable) } else { Ok(()) }
    }
}

/// A room of two people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrivateRoom {
    /// Which.
    pub id: RoomId,
    /// Both people, by id.
    pub participants: [Participant; 2],
    /// When it was made.
    pub created_at: Timestamp,
    /// When the row last changed.
    pub updated_at: Timestamp,
}

/// Someone in a room of two, as the other one sees them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Participant {
    /// Who.
    pub profile: Profile,
    /// Whether the account is active and has not blocked whoever looks: otherwise it looks deleted.
    pub is_available: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_a_blocked_room_one_deletes_and_does_not_write() {
        let room = RoomKey::private(RoomId(1));
        let blocked = Rights { room, version: 1, role: Role::Member, blocked: true };

        assert_eq!(blocked.admit(Act::Write), Err(Code::RecipientUnavailable));
        assert_eq!(blocked.admit(Act::Delete), Ok(()));
    }
}

//! Groups: their values, what may be done with them, and what that is told as.

mod news;
mod rules;

pub use news::{Removal, RoomEvent, RoomNews, RoomNotice, System, SystemKind};
pub use rules::{GroupAct, Step, actor, add, ban, join, kick, leave, resize, see, set_role, transfer, unban};

use crate::{
    Code, Invalid, InviteId, Picture, RoomId, Timestamp, UserId, WideMentions,
    room::Role,
    text::{is_blank, one_line, with_line_feeds},
};
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};
use unicode_normalization::UnicodeNormalization as _;
use unicode_segmentation::UnicodeSegmentation as _;

/// How many groups a person may be in.
pub const MOST_GROUPS: i64 = 500;

/// How many people one request may add to a group.
pub const MOST_ADDED: usize = 50;

/// How many invites a group may have that are not revoked.
pub const MOST_INVITES: i64 = 100;

/// The name of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupName(String);

impl GroupName {
    const MAX: usize = 100;

    /// Accepts a trimmed name of 1 to 100 characters on one line without invisible ones, and keeps it in NFC.
    pub fn parse(input: &str) -> Result<Self, Invalid> {
        one_line(input, Self::MAX).map(Self)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a group is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupDescription(String);

impl GroupDescription {
    const MAX: usize = 1_000;
    const MAX_BYTES: usize = 16 * Self::MAX;

    /// Accepts a trimmed text of 1 to 1,000 characters of which one is visible, and keeps it in NFC with LF as the only line end.
    pub fn parse(input: &str) -> Result<Self, Invalid> {
        if input.len() > Self::MAX_BYTES {
            return Err(Invalid::TooLong);
        }
        let text: String = with_line_feeds(input.trim()).nfc().collect();
        if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
            return Err(Invalid::ControlCharacter);
        }
        if is_blank(&text) {
            return Err(Invalid::Blank);
        }
        if text.graphemes(true).count() > Self::MAX {
            return Err(Invalid::TooLong);
        }
        Ok(Self(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How many people a group may have at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct MaxMembers(i32);

impl MaxMembers {
    /// The least that can be chosen.
    pub const LEAST: i32 = 2;
    /// The most that can be chosen.
    pub const MOST: i32 = 1_000;

    /// Accepts 2 to 1,000.
    pub const fn parse(number: i32) -> Result<Self, Invalid> {
        match number {
            Self::LEAST..=Self::MOST => Ok(Self(number)),
            _ => Err(Invalid::OutOfRange),
        }
    }

    /// The number.
    pub const fn get(self) -> i32 {
        self.0
    }
}

impl Default for MaxMembers {
    fn default() -> Self {
        Self(100)
    }
}

/// A group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRoom {
    /// The room's id.
    pub id: RoomId,
    /// The name.
    pub name: String,
    /// What it is about.
    pub description: Option<String>,
    /// Whether it is joined by invitation only. Otherwise everybody can find and join it.
    pub is_private: bool,
    /// How many members it may have at once.
    pub max_members: i32,
    /// Who may mention all members while it is large.
    pub wide_mentions: WideMentions,
    /// How many it has.
    pub member_count: i32,
    /// Its picture, if it shows one.
    pub picture: Option<Picture>,
    /// The time of creation.
    pub created_at: Timestamp,
    /// The time of the latest change of the group itself, not of its members or messages.
    pub updated_at: Timestamp,
}

/// Whether a person is in a group, or how they left it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, EnumString, IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum MembershipState {
    /// In the group.
    Active,
    /// Left by themselves: may join again like anybody.
    Left,
    /// Removed: comes back only when added.
    Kicked,
    /// Banned: can't come back until the ban is lifted.
    Banned,
}

impl MembershipState {
    /// The word in the store.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// What a group knows of one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Membership {
    /// The person.
    pub user: UserId,
    /// Their role, which counts while they are in the group.
    pub role: Role,
    /// Whether they are in it.
    pub state: MembershipState,
    /// When they came in the last time.
    pub joined_at: Timestamp,
}

impl GroupRoom {
    /// `RoomFull` where so many more people don't fit in.
    pub const fn has_space_for(&self, more: i32) -> Result<(), Code> {
        if self.member_count.saturating_add(more) <= self.max_members { Ok(()) } else { Err(Code::RoomFull) }
    }
}

/// A link by which people join a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invite {
    /// The invite's id.
    pub id: InviteId,
    /// The group.
    pub room: RoomId,
    /// Who made it.
    pub by: UserId,
    /// When it is over, if ever.
    pub expires_at: Option<Timestamp>,
    /// How many people may join by it; none where there is no limit.
    pub max_uses: Option<i32>,
    /// How many have joined by it.
    pub uses: i32,
    /// Whether it was ended.
    pub is_revoked: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Invite {
    /// Whether somebody can join by it.
    pub fn is_open(&self, at: Timestamp) -> bool {
        !self.is_revoked
            && self.expires_at.is_none_or(|end| end > at)
            && self.max_uses.is_none_or(|most| self.uses < most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invite_is_open_until_it_is_late_used_up_or_revoked() {
        let at = Timestamp::from_millis;
        let invite = Invite {
            id: InviteId(1),
            room: RoomId(1),
            by: UserId(1),
            expires_at: Some(at(5)),
            max_uses: Some(2),
            uses: 1,
            is_revoked: false,
            created_at: at(0),
        };
        assert!(invite.is_open(at(4)) && !invite.is_open(at(5)));
        assert!(!Invite { uses: 2, ..invite.clone() }.is_open(at(4)));
        assert!(!Invite { is_revoked: true, ..invite.clone() }.is_open(at(4)));
        assert!(Invite { expires_at: None, max_uses: None, uses: 9, ..invite }.is_open(at(9)));
    }

    #[test]
    fn size_of_a_group_is_2_to_1000() {
        assert_eq!(MaxMembers::parse(1), Err(Invalid::OutOfRange));
        assert_eq!(MaxMembers::parse(2).map(MaxMembers::get), Ok(2));
        assert_eq!(MaxMembers::parse(1_000).map(MaxMembers::get), Ok(1_000));
        assert_eq!(MaxMembers::parse(1_001), Err(Invalid::OutOfRange));
    }

    #[test]
    fn description_keeps_lines_and_refuses_control_characters() {
        assert_eq!(GroupDescription::parse(" 첫째\r\n둘째 ").unwrap().as_str(), "첫째\n둘째");
        assert_eq!(GroupDescription::parse("\u{200b}"), Err(Invalid::Blank));
        assert_eq!(GroupDescription::parse("a\u{0}"), Err(Invalid::ControlCharacter));
        assert_eq!(GroupDescription::parse(&"가".repeat(1_001)), Err(Invalid::TooLong));
    }
}

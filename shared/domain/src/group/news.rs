use crate::{Locale, RoomId, Timestamp, UserId, room::Role};
use serde::{Deserialize, Serialize};
use strum::{EnumIter, EnumString, IntoStaticStr};

/// The kind of a system message: what happened to a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, EnumIter, EnumString, IntoStaticStr)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum SystemKind {
    /// The group was made.
    RoomCreated,
    /// Name, description, visibility or size changed.
    RoomUpdated,
    /// Somebody joined, by themselves or by an invite.
    MemberJoined,
    /// Somebody was added.
    MemberAdded,
    /// Somebody left.
    MemberLeft,
    /// Somebody was removed.
    MemberKicked,
    /// A member was banned.
    MemberBanned,
    /// A member has another role.
    RoleChanged,
    /// The group has another owner.
    OwnerChanged,
}

impl SystemKind {
    /// The word on the wire and in the stores.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// A sentence for clients that show nothing else. It names nobody.
    pub const fn text(self, locale: Locale) -> &'static str {
        match self {
            Self::RoomCreated => locale.pick("The group was created.", "그룹이 만들어졌습니다."),
            Self::RoomUpdated => locale.pick("The group's details were changed.", "그룹 정보가 변경되었습니다."),
            Self::MemberJoined => locale.pick("A member joined.", "새 멤버가 들어왔습니다."),
            Self::MemberAdded => locale.pick("A member was added.", "새 멤버가 초대되었습니다."),
            Self::MemberLeft => locale.pick("A member left.", "멤버가 나갔습니다."),
            Self::MemberKicked => locale.pick("A member was removed.", "멤버가 내보내졌습니다."),
            Self::MemberBanned => locale.pick("A member was banned.", "멤버가 차단되었습니다."),
            Self::RoleChanged => locale.pick("A member's role was changed.", "멤버의 역할이 변경되었습니다."),
            Self::OwnerChanged => locale.pick("The group has a new owner.", "방장이 변경되었습니다."),
        }
    }
}

/// What a system message says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct System {
    /// What happened.
    pub kind: SystemKind,
    /// Whom it happened to; none where it concerns the group itself.
    pub user: Option<UserId>,
    /// Who did it.
    pub by: UserId,
    /// The role that they have since, with `RoleChanged`.
    pub role: Option<Role>,
    /// The group's name since, with `RoomCreated` and `RoomUpdated`.
    pub name: Option<String>,
}

/// How somebody came to be in a group no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Removal {
    /// They left.
    Left,
    /// They were removed.
    Kicked,
    /// They were banned.
    Banned,
    /// The group was deleted.
    Closed,
}

/// A notice to one person of their own place in a group. Its members are told by the system message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomNotice {
    /// The person to notify.
    pub to: UserId,
    /// The group.
    pub room: RoomId,
    /// The person who made the change.
    pub by: UserId,
    /// The change.
    pub news: RoomNews,
}

/// A change of a person's place in a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoomNews {
    /// They are in it from now on.
    Added {
        /// The group's name.
        name: String,
        /// Their role.
        role: Role,
    },
    /// They are in it no more.
    Removed(Removal),
    /// They have another role.
    RoleChanged(Role),
}

/// A change of a group whose system message may not be placed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomEvent {
    /// Numbers the changes of all groups; within a group a later change has a higher number.
    pub id: i64,
    /// The group.
    pub room: RoomId,
    /// What it says.
    pub system: System,
    /// When it happened.
    pub at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;
    use strum::IntoEnumIterator as _;

    #[test]
    fn system_text_is_in_both_languages() {
        for kind in SystemKind::iter() {
            assert!(kind.text(Locale::Ko).chars().any(|c| ('가'..='힣').contains(&c)), "{kind:?}");
            assert!(kind.text(Locale::En).is_ascii(), "{kind:?}");
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
    }
}

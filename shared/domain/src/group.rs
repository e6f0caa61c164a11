//! The rules of groups: who may do what, and what a change of a membership comes to.

use crate::{
    Code, Invalid, InviteId, Locale, RoomId, Timestamp, UserId, WideMentions,
    room::Role,
    text::{is_blank, one_line, with_line_feeds},
};
use serde::{Deserialize, Serialize};
use strum::{EnumIter, EnumString, IntoStaticStr};
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

/// What members do in a group. [`GroupAct::least`] is the table of who may do what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumIter)]
pub enum GroupAct {
    /// Reads messages and the list of members.
    Read,
    /// Sends, edits and deletes messages of their own, reacts, replies and forwards.
    Write,
    /// Leaves.
    Leave,
    /// Changes name, description, visibility and size.
    EditRoom,
    /// Makes and revokes links of invitation.
    Invite,
    /// Adds friends.
    AddMembers,
    /// Removes a member of a lower role.
    Kick,
    /// Bans somebody of a lower role or from outside, and lifts bans.
    Ban,
    /// Pins and unpins messages.
    Pin,
    /// Mentions everybody in a large group, unless the group lets every member do it.
    MentionEverybody,
    /// Deletes anyone's message.
    DeleteMessages,
    /// Makes members admins and admins members.
    SetRoles,
    /// Passes the ownership on.
    Transfer,
    /// Deletes the group.
    Close,
}

impl GroupAct {
    /// The lowest role that may do it.
    pub const fn least(self) -> Role {
        match self {
            Self::Read | Self::Write | Self::Leave => Role::Member,
            Self::EditRoom
            | Self::Invite
            | Self::AddMembers
            | Self::Kick
            | Self::Ban
            | Self::Pin
            | Self::MentionEverybody
            | Self::DeleteMessages => Role::Admin,
            Self::SetRoles | Self::Transfer | Self::Close => Role::Owner,
        }
    }

    /// What it is called in the table of the documentation.
    pub const fn title(self, locale: Locale) -> &'static str {
        match self {
            Self::Read => locale.pick("read messages and members", "메시지와 멤버 보기"),
            Self::Write => locale.pick("send, react, reply, forward", "메시지 보내기, 반응, 답장, 전달"),
            Self::Leave => locale.pick("leave (the owner after a transfer)", "나가기 (방장은 위임 후)"),
            Self::EditRoom => locale.pick("edit the group", "그룹 정보 수정"),
            Self::Invite => locale.pick("make and revoke invites", "초대 링크 만들기와 취소"),
            Self::AddMembers => locale.pick("add friends of theirs", "자신의 친구 추가"),
            Self::Kick => locale.pick("remove members of a lower role", "낮은 역할의 멤버 내보내기"),
            Self::Ban => locale.pick("ban and unban people of a lower role", "낮은 역할의 사용자 차단과 해제"),
            Self::Pin => locale.pick("pin messages", "메시지 고정"),
            Self::MentionEverybody => {
                locale.pick("mention @here and @channel in a large group", "큰 그룹에서 @here, @channel 멘션")
            }
            Self::DeleteMessages => locale.pick("delete anyone's message", "모든 메시지 삭제"),
            Self::SetRoles => locale.pick("appoint and dismiss admins", "관리자 임명과 해임"),
            Self::Transfer => locale.pick("pass the ownership on", "방장 위임"),
            Self::Close => locale.pick("delete the group", "그룹 삭제"),
        }
    }
}

/// What a change of a membership comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It is to be made.
    Change,
    /// It is as asked for already: a repetition.
    Stands,
}

impl Role {
    /// `NotPermitted` where the role is too low for it.
    pub fn may(self, act: GroupAct) -> Result<(), Code> {
        if self >= act.least() { Ok(()) } else { Err(Code::NotPermitted) }
    }

    /// Whether the role may do it to somebody of another role: only to a lower one.
    pub fn may_to(self, act: GroupAct, other: Role) -> Result<(), Code> {
        self.may(act)?;
        if self > other { Ok(()) } else { Err(Code::NotPermitted) }
    }
}

/// What a group knows of the person who acts: only members know that a private group exists.
pub fn actor(membership: Option<&Membership>) -> Result<&Membership, Code> {
    membership.filter(|it| it.state == MembershipState::Active).ok_or(Code::RoomNotFound)
}

/// Looking at a group: everybody sees a public one, and members a private one.
pub fn see(room: &GroupRoom, of: Option<&Membership>) -> Result<(), Code> {
    if room.is_private { actor(of).map(drop) } else { Ok(()) }
}

/// Another size: not below the number of members.
pub const fn resize(room: &GroupRoom, max_members: MaxMembers) -> Result<(), Code> {
    if max_members.get() < room.member_count { Err(Code::TooManyMembers) } else { Ok(()) }
}

/// Joining a public group, or any by an invite. `RemovedFromRoom` for who was kicked or banned.
pub fn join(room: &GroupRoom, of: Option<&Membership>) -> Result<Step, Code> {
    match of.map(|it| it.state) {
        Some(MembershipState::Active) => Ok(Step::Stands),
        Some(MembershipState::Kicked | MembershipState::Banned) => Err(Code::RemovedFromRoom),
        Some(MembershipState::Left) | None => room.has_space_for(1).map(|()| Step::Change),
    }
}

/// Adding a friend of the actor. Who was kicked comes back so; who is banned does not.
pub fn add(room: &GroupRoom, by: &Membership, of: Option<&Membership>) -> Result<Step, Code> {
    by.role.may(GroupAct::AddMembers)?;
    match of.map(|it| it.state) {
        Some(MembershipState::Active) => Ok(Step::Stands),
        Some(MembershipState::Banned) => Err(Code::UserBanned),
        Some(MembershipState::Left | MembershipState::Kicked) | None => room.has_space_for(1).map(|()| Step::Change),
    }
}

/// Removing a member. Who is out already stays as they are.
pub fn kick(by: &Membership, of: Option<&Membership>) -> Result<Step, Code> {
    by.role.may(GroupAct::Kick)?;
    let of = of.ok_or(Code::MemberNotFound)?;
    match of.state {
        MembershipState::Active => by.role.may_to(GroupAct::Kick, of.role).map(|()| Step::Change),
        MembershipState::Kicked | MembershipState::Banned => Ok(Step::Stands),
        MembershipState::Left => Err(Code::MemberNotFound),
    }
}

/// Banning a member or somebody from outside.
pub fn ban(by: &Membership, of: Option<&Membership>) -> Result<Step, Code> {
    by.role.may(GroupAct::Ban)?;
    match of {
        Some(of) if of.state == MembershipState::Banned => Ok(Step::Stands),
        Some(of) if of.state == MembershipState::Active => {
            by.role.may_to(GroupAct::Ban, of.role).map(|()| Step::Change)
        }
        Some(_) | None => Ok(Step::Change),
    }
}

/// Lifting a ban: the person may be added again, as after a kick.
pub fn unban(by: &Membership, of: Option<&Membership>) -> Result<Step, Code> {
    by.role.may(GroupAct::Ban)?;
    match of.ok_or(Code::MemberNotFound)?.state {
        MembershipState::Banned => Ok(Step::Change),
        MembershipState::Kicked => Ok(Step::Stands),
        MembershipState::Active | MembershipState::Left => Err(Code::MemberNotFound),
    }
}

/// Giving a member another role; the ownership is passed on by [`transfer`] alone.
pub fn set_role(by: &Membership, of: Option<&Membership>, role: Role) -> Result<Step, Code> {
    by.role.may(GroupAct::SetRoles)?;
    let of = of.filter(|it| it.state == MembershipState::Active).ok_or(Code::MemberNotFound)?;
    if of.role == role {
        return Ok(Step::Stands);
    }
    if of.role == Role::Owner || role == Role::Owner { Err(Code::NotPermitted) } else { Ok(Step::Change) }
}

/// Passing the ownership to another member; the owner becomes an admin. A repetition finds the other one as owner.
pub fn transfer(by: &Membership, of: Option<&Membership>) -> Result<Step, Code> {
    let of = of.filter(|it| it.state == MembershipState::Active).ok_or(Code::MemberNotFound)?;
    if of.role == Role::Owner && by.user != of.user && by.role == Role::Admin {
        return Ok(Step::Stands);
    }
    by.role.may(GroupAct::Transfer)?;
    Ok(if of.user == by.user { Step::Stands } else { Step::Change })
}

/// Leaving. An owner passes the group on first, or deletes it.
pub fn leave(of: Option<&Membership>) -> Result<Step, Code> {
    let of = of.ok_or(Code::RoomNotFound)?;
    match (of.state, of.role) {
        (MembershipState::Active, Role::Owner) => Err(Code::OwnerMustTransfer),
        (MembershipState::Active, Role::Member | Role::Admin) => Ok(Step::Change),
        (MembershipState::Left, _) => Ok(Step::Stands),
        (MembershipState::Kicked | MembershipState::Banned, _) => Err(Code::RoomNotFound),
    }
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

    fn member(user: i32, role: Role, state: MembershipState) -> Membership {
        Membership { user: UserId(user), role, state, joined_at: Timestamp::from_millis(0) }
    }

    fn active(user: i32, role: Role) -> Membership {
        member(user, role, MembershipState::Active)
    }

    fn room(member_count: i32) -> GroupRoom {
        let at = Timestamp::from_millis(0);
        GroupRoom {
            id: RoomId(1),
            name: "등산 모임".to_owned(),
            description: None,
            is_private: false,
            max_members: 3,
            wide_mentions: WideMentions::Admins,
            member_count,
            created_at: at,
            updated_at: at,
        }
    }

    #[test]
    fn higher_role_may_do_all_that_a_lower_one_may() {
        for act in GroupAct::iter() {
            assert_eq!(Role::Owner.may(act), Ok(()), "{act:?}");
            if Role::Member.may(act).is_ok() {
                assert_eq!(Role::Admin.may(act), Ok(()), "{act:?}");
            }
        }
    }

    #[test]
    fn only_lower_roles_are_kicked_and_banned() {
        for (by, of, is_allowed) in [
            (Role::Owner, Role::Admin, true),
            (Role::Owner, Role::Member, true),
            (Role::Admin, Role::Member, true),
            (Role::Admin, Role::Admin, false),
            (Role::Admin, Role::Owner, false),
            (Role::Member, Role::Member, false),
        ] {
            let (by, of) = (active(1, by), active(2, of));
            assert_eq!(kick(&by, Some(&of)).is_ok(), is_allowed, "{by:?} {of:?}");
            assert_eq!(ban(&by, Some(&of)).is_ok(), is_allowed, "{by:?} {of:?}");
        }
    }

    #[test]
    fn kicked_person_returns_only_when_added_and_banned_one_not_at_all() {
        let admin = active(1, Role::Admin);
        for (state, joins, adds) in [
            (MembershipState::Left, Ok(Step::Change), Ok(Step::Change)),
            (MembershipState::Kicked, Err(Code::RemovedFromRoom), Ok(Step::Change)),
            (MembershipState::Banned, Err(Code::RemovedFromRoom), Err(Code::UserBanned)),
            (MembershipState::Active, Ok(Step::Stands), Ok(Step::Stands)),
        ] {
            let of = member(2, Role::Member, state);
            assert_eq!(join(&room(1), Some(&of)), joins, "{state:?}");
            assert_eq!(add(&room(1), &admin, Some(&of)), adds, "{state:?}");
        }
    }

    #[test]
    fn full_room_admits_nobody() {
        assert_eq!(join(&room(2), None), Ok(Step::Change));
        assert_eq!(join(&room(3), None), Err(Code::RoomFull));
        assert_eq!(add(&room(3), &active(1, Role::Owner), None), Err(Code::RoomFull));
        assert_eq!(join(&room(3), Some(&active(2, Role::Member))), Ok(Step::Stands), "a repetition");
    }

    #[test]
    fn private_group_is_seen_by_members_alone() {
        let (public, private) = (room(1), GroupRoom { is_private: true, ..room(1) });
        let left = member(1, Role::Member, MembershipState::Left);
        assert_eq!(see(&public, None), Ok(()));
        assert_eq!(see(&private, Some(&active(1, Role::Member))), Ok(()));
        for of in [None, Some(&left)] {
            assert_eq!(see(&private, of), Err(Code::RoomNotFound));
        }
    }

    #[test]
    fn size_is_not_below_the_number_of_members() {
        assert_eq!(resize(&room(3), MaxMembers::parse(3).unwrap()), Ok(()));
        assert_eq!(resize(&room(3), MaxMembers::parse(2).unwrap()), Err(Code::TooManyMembers));
    }

    #[test]
    fn owner_leaves_only_after_a_transfer() {
        let (owner, admin) = (active(1, Role::Owner), active(2, Role::Admin));
        assert_eq!(leave(Some(&owner)), Err(Code::OwnerMustTransfer));
        assert_eq!(leave(Some(&admin)), Ok(Step::Change));
        assert_eq!(transfer(&owner, Some(&admin)), Ok(Step::Change));
        assert_eq!(transfer(&active(1, Role::Admin), Some(&active(2, Role::Owner))), Ok(Step::Stands), "a repetition");
        assert_eq!(transfer(&admin, Some(&active(3, Role::Member))), Err(Code::NotPermitted));
        assert_eq!(transfer(&owner, Some(&member(2, Role::Admin, MembershipState::Left))), Err(Code::MemberNotFound));
    }

    #[test]
    fn nobody_becomes_or_ceases_to_be_owner_by_a_role() {
        let (owner, admin) = (active(1, Role::Owner), active(2, Role::Admin));
        assert_eq!(set_role(&owner, Some(&admin), Role::Member), Ok(Step::Change));
        assert_eq!(set_role(&owner, Some(&admin), Role::Admin), Ok(Step::Stands));
        assert_eq!(set_role(&owner, Some(&admin), Role::Owner), Err(Code::NotPermitted));
        assert_eq!(set_role(&owner, Some(&owner), Role::Member), Err(Code::NotPermitted));
        assert_eq!(set_role(&admin, Some(&active(3, Role::Member)), Role::Admin), Err(Code::NotPermitted));
    }

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
    fn system_text_is_in_both_languages() {
        for kind in SystemKind::iter() {
            assert!(kind.text(Locale::Ko).chars().any(|c| ('가'..='힣').contains(&c)), "{kind:?}");
            assert!(kind.text(Locale::En).is_ascii(), "{kind:?}");
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
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

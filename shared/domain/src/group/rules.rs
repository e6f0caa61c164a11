use crate::{Code, GroupRoom, Locale, MaxMembers, Membership, MembershipState, room::Role};
use strum::EnumIter;

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{RoomId, Timestamp, UserId, WideMentions};
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
            picture: None,
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
}

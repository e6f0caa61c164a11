use crate::{MessageView, ParticipantView, PictureView};
use domain::{
    Fault, GroupDescription, GroupName, GroupRoom, Invalid, InviteId, MOST_ADDED, MaxMembers, Patch, Role, RoomId,
    RoomKind, Timestamp, UserId, WideMentions, fields,
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, ops::RangeInclusive};
use utoipa::{IntoParams, ToSchema};

/// How long an invite may be valid that ends by itself, in seconds: a minute to a year.
const LIFE: RangeInclusive<u32> = 60..=31_536_000;

/// How often an invite may be used.
const USES: RangeInclusive<i32> = 1..=1_000;

/// A group, as the caller sees it.
#[derive(Serialize, ToSchema)]
pub struct GroupRoomView {
    /// The room's id.
    pub id: RoomId,
    /// Always `group`.
    pub room_type: RoomKind,
    /// The name.
    #[schema(example = "등산 모임")]
    pub name: String,
    /// What the group is about; null if nothing is said.
    #[schema(required = true, example = "매주 토요일 아침 북한산")]
    pub description: Option<String>,
    /// Whether it is joined by invitation only. Anybody can find and join another one.
    pub is_private: bool,
    /// How many members it may have at once.
    #[schema(example = 100)]
    pub max_members: i32,
    /// Who may mention all members by `@here` or `@channel` while the group has more than 20. In a smaller one everybody may.
    pub wide_mentions: WideMentions,
    /// How many members it has.
    #[schema(example = 12)]
    pub member_count: i32,
    /// Its picture; null if it shows none.
    #[schema(required = true)]
    pub picture: Option<PictureView>,
    /// The caller's role; null if they are not a member.
    #[schema(required = true)]
    pub my_role: Option<Role>,
    /// The newest message, which may be deleted; null in a room without messages, and to who is not a member.
    #[schema(required = true)]
    pub last_message: Option<MessageView>,
    /// How many messages the caller has not read, except their own and deleted ones; 100 means more than 99.
    #[schema(example = 2)]
    pub unread_count: i32,
    /// The time of the room's creation.
    pub created_at: Timestamp,
    /// The time of the latest change of the room itself, not of its members or messages.
    pub updated_at: Timestamp,
}

/// A group to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewGroupRoom {
    /// 1 to 100 characters on one line, without invisible ones.
    #[schema(example = "등산 모임", min_length = 1)]
    pub name: String,
    /// 1 to 1,000 characters of which one is visible. Every line end becomes LF.
    #[schema(example = "매주 토요일 아침 북한산", min_length = 1)]
    pub description: Option<String>,
    /// Whether it is joined by invitation only; false unless given.
    #[schema(example = false)]
    pub is_private: Option<bool>,
    /// How many members it may have at once, 2 to 1,000; 100 unless given.
    #[schema(example = 100, minimum = 2, maximum = 1000)]
    pub max_members: Option<i32>,
    /// Who may mention all members while the group has more than 20; `admins` unless given.
    pub wide_mentions: Option<WideMentions>,
    /// The first members beside the caller: at most 50 friends of theirs, each once.
    #[schema(max_items = 50, example = json!([4, 5]))]
    pub members: Option<Vec<UserId>>,
}

/// A change of a group. A field that is absent stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupRoomPatch {
    /// 1 to 100 characters on one line, without invisible ones.
    #[schema(example = "등산 모임", min_length = 1)]
    pub name: Option<String>,
    /// 1 to 1,000 characters of which one is visible; null removes it. Every line end becomes LF.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "이번 달은 관악산", min_length = 1)]
    pub description: Patch<String>,
    /// Whether it is joined by invitation only.
    #[schema(example = true)]
    pub is_private: Option<bool>,
    /// How many members it may have at once, 2 to 1,000, and not fewer than it has.
    #[schema(example = 100, minimum = 2, maximum = 1000)]
    pub max_members: Option<i32>,
    /// Who may mention all members while the group has more than 20.
    pub wide_mentions: Option<WideMentions>,
}

/// A page of groups.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct GroupRoomsQuery {
    /// The groups to list; `mine` unless given.
    #[param(inline)]
    pub scope: Option<GroupScope>,
    /// With `scope=public`: the beginning of a name, or the initial consonants of its Hangul: 1 to 50 characters.
    #[param(min_length = 1)]
    pub q: Option<String>,
    /// The number of items, 1 to 100; 30 unless given.
    #[param(minimum = 1, maximum = 100)]
    pub limit: Option<i64>,
    /// The `next_cursor` of the page before; the first page unless given.
    #[param(min_length = 1)]
    pub cursor: Option<String>,
}

/// Which groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum GroupScope {
    /// Those that the caller is in, the newest activity first.
    Mine,
    /// Those that anybody may join.
    Public,
}

/// A page of a group's members.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MembersQuery {
    /// The beginning of a username or display name, or the initial consonants of its Hangul: 1 to 50 characters.
    #[param(min_length = 1)]
    pub q: Option<String>,
    /// The number of items, 1 to 100; 30 unless given.
    #[param(minimum = 1, maximum = 100)]
    pub limit: Option<i64>,
    /// The `next_cursor` of the page before; the first page unless given.
    #[param(min_length = 1)]
    pub cursor: Option<String>,
}

/// A member of a group.
#[derive(Debug, Serialize, ToSchema)]
pub struct MemberView {
    /// The person.
    pub user: ParticipantView,
    /// Their role.
    pub role: Role,
    /// The time since when they are a member.
    pub joined_at: Timestamp,
}

/// A person to add to a group.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMember {
    /// A friend of the caller's.
    pub user_id: UserId,
}

/// Another role for a member.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleChange {
    /// `admin` or `member`. A transfer makes another member the owner.
    pub role: Role,
}

/// Another owner for a group.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnerChange {
    /// A member.
    pub user_id: UserId,
}

/// A person who is banned from a group.
#[derive(Debug, Serialize, ToSchema)]
pub struct BanView {
    /// The person.
    pub user: ParticipantView,
    /// The time of the ban.
    pub banned_at: Timestamp,
}

/// An invite to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewInvite {
    /// For how many seconds it is valid, 60 to 31,536,000; until it is revoked unless given.
    #[schema(example = 86_400, minimum = 60, maximum = 31_536_000)]
    pub expires_in: Option<u32>,
    /// How many people may join by it, 1 to 1,000; without a bound unless given.
    #[schema(example = 10, minimum = 1, maximum = 1000)]
    pub max_uses: Option<i32>,
}

/// An invite to a group.
#[derive(Debug, Serialize, ToSchema)]
pub struct InviteView {
    /// The invite's id.
    pub id: InviteId,
    /// The member who made it.
    pub created_by: UserId,
    /// The time until which it is valid; null if it is until it is revoked.
    #[schema(required = true)]
    pub expires_at: Option<Timestamp>,
    /// How many people may join by it; null without a bound.
    #[schema(required = true, example = 10)]
    pub max_uses: Option<i32>,
    /// How many people have joined by it.
    #[schema(example = 0)]
    pub uses: i32,
    /// The time when it was made.
    pub created_at: Timestamp,
}

/// A new invite with its code, which is shown this once.
#[derive(Serialize, ToSchema)]
pub struct IssuedInvite {
    /// The invite.
    #[serde(flatten)]
    pub invite: InviteView,
    /// The code, for `POST /invites/{code}/join`.
    #[schema(example = "kZ0q5Yy3S7mXb1cRk2w9Tg")]
    pub code: String,
    /// The address of a page that takes the code; null if this API has none.
    #[schema(required = true, example = "https://chat.example.com/join/kZ0q5Yy3S7mXb1cRk2w9Tg")]
    pub url: Option<String>,
}

/// A group, as an invite shows it before joining.
#[derive(Debug, Serialize, ToSchema)]
pub struct InvitationView {
    /// The group's name.
    #[schema(example = "등산 모임")]
    pub name: String,
    /// What the group is about; null if nothing is said.
    #[schema(required = true, example = "매주 토요일 아침 북한산")]
    pub description: Option<String>,
    /// How many members it has.
    #[schema(example = 12)]
    pub member_count: i32,
    /// How many members it may have at once.
    #[schema(example = 100)]
    pub max_members: i32,
    /// Whether the caller is a member already.
    pub is_member: bool,
    /// The time until which the invite is valid; null if it is until it is revoked.
    #[schema(required = true)]
    pub expires_at: Option<Timestamp>,
}

/// What a new group is like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedGroup {
    /// The name.
    pub name: GroupName,
    /// What it is about.
    pub description: Option<GroupDescription>,
    /// Whether it is joined by invitation only.
    pub is_private: bool,
    /// How many members it may have at once.
    pub max_members: MaxMembers,
    /// Who may mention all members while it is large.
    pub wide_mentions: WideMentions,
    /// The first members beside its owner, by id.
    pub members: Vec<UserId>,
}

/// What a change of a group changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedGroupPatch {
    /// The name.
    pub name: Option<GroupName>,
    /// What it is about.
    pub description: Patch<GroupDescription>,
    /// Whether it is joined by invitation only.
    pub is_private: Option<bool>,
    /// How many members it may have at once.
    pub max_members: Option<MaxMembers>,
    /// Who may mention all members while it is large.
    pub wide_mentions: Option<WideMentions>,
}

impl GroupRoomView {
    /// A group as somebody of a role sees it, without messages.
    pub fn of(room: GroupRoom, my_role: Option<Role>) -> Self {
        Self {
            id: room.id,
            room_type: RoomKind::Group,
            name: room.name,
            description: room.description,
            is_private: room.is_private,
            max_members: room.max_members,
            wide_mentions: room.wide_mentions,
            member_count: room.member_count,
            picture: room.picture.map(PictureView::from),
            my_role,
            last_message: None,
            unread_count: 0,
            created_at: room.created_at,
            updated_at: room.updated_at,
        }
    }
}

impl NewGroupRoom {
    /// The group that `owner` makes, or every bad field.
    pub fn parse(self, owner: UserId) -> Result<ParsedGroup, Fault> {
        let (name, description, max_members, members) = fields((
            ("name", GroupName::parse(&self.name)),
            ("description", self.description.as_deref().map(GroupDescription::parse).transpose()),
            ("max_members", self.max_members.map(MaxMembers::parse).transpose()),
            ("members", first_members(&self.members.unwrap_or_default(), owner)),
        ))?;
        let is_private = self.is_private.unwrap_or_default();
        let (max_members, wide_mentions) = (max_members.unwrap_or_default(), self.wide_mentions.unwrap_or_default());
        Ok(ParsedGroup { name, description, is_private, max_members, wide_mentions, members })
    }
}

/// At most 50, each once, without the owner.
fn first_members(listed: &[UserId], owner: UserId) -> Result<Vec<UserId>, Invalid> {
    if listed.len() > MOST_ADDED {
        return Err(Invalid::TooLong);
    }
    let members: BTreeSet<_> = listed.iter().copied().collect();
    if members.len() < listed.len() || members.contains(&owner) {
        return Err(Invalid::Contradiction);
    }
    Ok(members.into_iter().collect())
}

impl GroupRoomPatch {
    /// The changes, or every bad field.
    pub fn parse(self) -> Result<ParsedGroupPatch, Fault> {
        let (name, description, max_members) = fields((
            ("name", self.name.as_deref().map(GroupName::parse).transpose()),
            ("description", self.description.try_map(|text| GroupDescription::parse(&text))),
            ("max_members", self.max_members.map(MaxMembers::parse).transpose()),
        ))?;
        let (is_private, wide_mentions) = (self.is_private, self.wide_mentions);
        Ok(ParsedGroupPatch { name, description, is_private, max_members, wide_mentions })
    }
}

impl NewInvite {
    /// How many seconds it is valid and how often it may be used, or every bad field.
    pub fn parse(&self) -> Result<(Option<u32>, Option<i32>), Fault> {
        fields((("expires_in", within(self.expires_in, &LIFE)), ("max_uses", within(self.max_uses, &USES))))
    }
}

fn within<N: PartialOrd + Copy>(number: Option<N>, range: &RangeInclusive<N>) -> Result<Option<N>, Invalid> {
    match number {
        Some(number) if !range.contains(&number) => Err(Invalid::OutOfRange),
        number => Ok(number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(members: Vec<i32>) -> Option<Invalid> {
        let members = Some(members.into_iter().map(UserId).collect());
        let new = NewGroupRoom {
            name: "모임".to_owned(),
            description: None,
            is_private: None,
            max_members: None,
            wide_mentions: None,
            members,
        };
        new.parse(UserId(1)).err().map(|fault| fault.fields[0].reason)
    }

    #[test]
    fn first_members_are_at_most_fifty_others_each_once() {
        assert_eq!(refused((2..52).collect()), None);
        assert_eq!(refused((2..53).collect()), Some(Invalid::TooLong));
        assert_eq!(refused(vec![2, 3, 2]), Some(Invalid::Contradiction));
        assert_eq!(refused(vec![2, 1]), Some(Invalid::Contradiction));
    }

    #[test]
    fn every_bad_field_of_a_group_is_named() {
        let new = NewGroupRoom {
            name: " ".to_owned(),
            description: Some("a\u{0}".to_owned()),
            is_private: None,
            max_members: Some(1),
            wide_mentions: None,
            members: None,
        };
        let named: Vec<_> = new.parse(UserId(1)).unwrap_err().fields.iter().map(|it| it.field.to_string()).collect();

        assert_eq!(named, ["name", "description", "max_members"]);
    }

    #[test]
    fn invite_ends_by_itself_only_if_it_says_so() {
        let parse = |expires_in, max_uses| NewInvite { expires_in, max_uses }.parse().ok();

        assert_eq!(parse(None, None), Some((None, None)));
        assert_eq!(parse(Some(60), Some(1_000)), Some((Some(60), Some(1_000))));
        for (expires_in, max_uses) in [(Some(59), None), (Some(31_536_001), None), (None, Some(0)), (None, Some(1_001))]
        {
            assert_eq!(parse(expires_in, max_uses), None, "{expires_in:?} {max_uses:?}");
        }
    }
}

use crate::App;
use contract::{GroupRoomView, MemberView, MessageView, ParticipantView};
use domain::{
    Code, Fault, GroupRoom, Membership, MembershipState, MessageId, Participant, Profile, Quote, Role, RoomKey, UserId,
};
use mongo::RoomSummary;
use mysql::{GroupMember, ViewedGroup};
use std::collections::HashMap;

/// A group as somebody sees it: with its last message and unread count if they are a member.
pub(crate) async fn show(app: &App, found: ViewedGroup, viewer: UserId) -> Result<GroupRoomView, Fault> {
    if !is_member(&found) {
        return Ok(outside(found));
    }
    let summary = app.mongo.rooms().find(RoomKey::group(found.room.id), viewer).await?;
    let (summary, quotes) = summary.ok_or(Code::RoomNotFound)?;
    Ok(views(vec![found], vec![summary], &quotes).pop().ok_or(Code::RoomNotFound)?)
}

/// The same after a change.
pub(crate) async fn show_changed(app: &App, room: GroupRoom, of: Membership) -> Result<GroupRoomView, Fault> {
    show(app, ViewedGroup { room, of: Some(of) }, of.user).await
}

/// A group as a list of groups to join shows it, without messages.
pub(crate) fn outside(found: ViewedGroup) -> GroupRoomView {
    let role = role_in(&found);
    GroupRoomView::of(found.room, role)
}

/// Groups with their last messages and unread counts, in the order of the summaries.
pub(crate) fn views(
    rooms: Vec<ViewedGroup>,
    summaries: Vec<RoomSummary>,
    quotes: &HashMap<MessageId, Quote>,
) -> Vec<GroupRoomView> {
    let mut rooms: HashMap<RoomKey, ViewedGroup> =
        rooms.into_iter().map(|found| (RoomKey::group(found.room.id), found)).collect();
    let view = |summary: RoomSummary| {
        let found = rooms.remove(&summary.room)?;
        let last_message = summary.last_message.map(|message| MessageView::of(message, quotes));
        Some(GroupRoomView { last_message, unread_count: summary.unread, ..outside(found) })
    };
    summaries.into_iter().filter_map(view).collect()
}

/// A member as a viewer sees them.
pub(crate) async fn show_member(app: &App, membership: Membership, viewer: UserId) -> Result<MemberView, Fault> {
    let found = app.mysql.users().find_visible(membership.user, viewer).await?;
    let found = found.map(|(profile, _)| profile);
    let is_available = found.is_some();
    let nobody = || Profile {
        id: membership.user,
        username: String::new(),
        display_name: None,
        status_message: None,
        avatar: None,
    };
    Ok(member(Participant { profile: found.unwrap_or_else(nobody), is_available }, &membership))
}

/// A member of a page.
pub(crate) fn listed_member(GroupMember { user, membership, .. }: GroupMember) -> MemberView {
    member(user, &membership)
}

fn member(user: Participant, membership: &Membership) -> MemberView {
    let Membership { role, joined_at, .. } = *membership;
    MemberView { user: ParticipantView::from(user), role, joined_at }
}

/// Whether the viewer is in the group.
pub(crate) fn is_member(found: &ViewedGroup) -> bool {
    role_in(found).is_some()
}

fn role_in(found: &ViewedGroup) -> Option<Role> {
    found.of.filter(|of| of.state == MembershipState::Active).map(|of| of.role)
}

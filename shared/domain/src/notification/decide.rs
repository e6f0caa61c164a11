use super::{Level, NotificationSettings, RoomSettings, TimeZone};
use crate::{MentionsAll, Message, Seq, SystemKind, Timestamp, UserId};
use std::time::Duration;

/// How old a message may be whose reader has been active ever since: whoever has not read it by then does not want to.
pub const TOLD_WITHIN: Duration = Duration::from_mins(15);

/// How soon devices are told of reads and deletions: several reads become one notification, and what is on its way to a device comes
/// before it.
pub const CLEAR_AFTER: Duration = Duration::from_secs(5);

/// How long a member who is active is left alone at first, and after that.
const FIRST_LOOK: Duration = Duration::from_secs(30);
const NEXT_LOOK: Duration = Duration::from_mins(1);

/// How long a room is silent after a notification, so that a burst of messages rings once, and when it is looked at again.
const BURST: Duration = Duration::from_secs(3);
const AFTER_BURST: Duration = Duration::from_secs(5);

/// Somebody whom a message may be pushed to, as read just before.
#[derive(Debug, Clone, Copy)]
pub struct Recipient<'a> {
    /// The person.
    pub user: UserId,
    /// Whether they are a member of the room.
    pub is_member: bool,
    /// Whether their account is active.
    pub is_active: bool,
    /// Whether they have blocked the author.
    pub has_blocked_author: bool,
    /// Up to where they have read the room.
    pub read: Seq,
    /// Up to where they have been notified of the room.
    pub notified: Seq,
    /// When they were last notified of the room.
    pub notified_at: Option<Timestamp>,
    /// Until when one of their connections counts as used.
    pub active_until: Option<Timestamp>,
    /// Their settings.
    pub settings: &'a NotificationSettings,
    /// Their settings of the room.
    pub room: &'a RoomSettings,
    /// The zones of their devices.
    pub zones: &'a [Option<TimeZone>],
}

/// What becomes of a message for one member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// They are not notified of it.
    Drop(DropReason),
    /// It is looked at again after a while.
    Later(Duration),
    /// Their devices are notified.
    Push,
}

/// Why somebody is not notified of a message. It stays unread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DropReason {
    /// It is deleted, or they have hidden it.
    Gone,
    /// They wrote it.
    Own,
    /// It is a notice of the room that does not concern them.
    Notice,
    /// They are no member any more.
    NotMember,
    /// Their account is not active.
    Inactive,
    /// They have blocked the author.
    Blocked,
    /// They have read it.
    Read,
    /// They were notified of it or of a later one.
    Notified,
    /// They want no notifications for now.
    Paused,
    /// These are quiet hours on each of their devices.
    Quiet,
    /// They have muted the room.
    Muted,
    /// Messages like this one are not among those that they want.
    Level,
    /// They have been active since, and did not read it.
    Old,
}

/// What becomes of a message in a room of so many members for one of them, who was looked at so many times before.
pub fn decide(message: &Message, members: usize, to: &Recipient<'_>, looks: u32, now: Timestamp) -> Decision {
    if let Some(reason) = refuse(message, to).or_else(|| silence(message, members, to, now)) {
        return Decision::Drop(reason);
    }
    if to.active_until.is_some_and(|until| now < until) {
        return match looks {
            _ if message.created_at.plus(TOLD_WITHIN) <= now => Decision::Drop(DropReason::Old),
            0 => Decision::Later(FIRST_LOOK),
            _ => Decision::Later(NEXT_LOOK),
        };
    }
    if to.notified_at.is_some_and(|at| now < at.plus(BURST)) {
        return Decision::Later(AFTER_BURST);
    }
    Decision::Push
}

/// Why the message concerns somebody no more, whatever they wish.
fn refuse(message: &Message, to: &Recipient<'_>) -> Option<DropReason> {
    if message.deleted_at.is_some() || message.hidden_for.contains(&to.user) {
        return Some(DropReason::Gone);
    }
    if message.user == to.user {
        return Some(DropReason::Own);
    }
    if message.system.is_some() && !adds(message, to.user) {
        return Some(DropReason::Notice);
    }
    if !to.is_member {
        return Some(DropReason::NotMember);
    }
    if !to.is_active {
        return Some(DropReason::Inactive);
    }
    if to.has_blocked_author {
        return Some(DropReason::Blocked);
    }
    if to.read >= message.seq {
        return Some(DropReason::Read);
    }
    (to.notified >= message.seq).then_some(DropReason::Notified)
}

/// Why somebody does not wish to be notified.
fn silence(message: &Message, members: usize, to: &Recipient<'_>, now: Timestamp) -> Option<DropReason> {
    let Recipient { user, settings, room, zones, .. } = *to;
    if settings.are_paused(now) {
        return Some(DropReason::Paused);
    }
    if !zones.is_empty() && zones.iter().all(|zone| settings.are_quiet(now, zone.as_ref())) {
        return Some(DropReason::Quiet);
    }
    if room.are_muted(now) {
        return Some(DropReason::Muted);
    }
    let is_wanted = match settings.level_in(room, members) {
        Level::All => true,
        Level::Mentions => mentions(message, user, settings.wide_in(room)),
        Level::None => false,
    };
    (!is_wanted).then_some(DropReason::Level)
}

/// Whether the message is about one person. `@here` is for those who are there anyway.
fn mentions(message: &Message, user: UserId, wide: bool) -> bool {
    let calls_all = message.mentions.all == Some(MentionsAll::Channel);
    message.mentions.people.contains(&user) || calls_all && wide || adds(message, user)
}

/// Whether the message says that somebody was added to the room.
fn adds(message: &Message, user: UserId) -> bool {
    message.system.as_ref().is_some_and(|system| system.kind == SystemKind::MemberAdded && system.user == Some(user))
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "decide_oracle.rs"]
mod oracle;

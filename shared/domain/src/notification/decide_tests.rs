use super::*;
use crate::{
    Mentions, MessageType, Rev, RoomId, RoomKey, System,
    notification::{Days, QuietHours, TimeOfDay},
};

pub(super) const AUTHOR: UserId = UserId(1);
pub(super) const MEMBER: UserId = UserId(2);
/// 12:00 on a Thursday in Seoul.
pub(super) const NOW: Timestamp = Timestamp::from_millis(1_795_662_000_000);

pub(super) fn message() -> Message {
    Message {
        id: "66f0c3d2a1b2c3d4e5f60718".parse().unwrap(),
        room: RoomKey::group(RoomId(7)),
        user: AUTHOR,
        content: "안녕".to_owned(),
        message_type: MessageType::Text,
        system: None,
        reply_to: None,
        mentions: Mentions::default(),
        forwarded_from: None,
        attachments: Vec::new(),
        hidden_for: Vec::new(),
        seq: Seq(10),
        rev: Rev(10),
        client_id: "1".to_owned(),
        edited_at: None,
        deleted_at: None,
        reactions: Vec::new(),
        pin: None,
        latest_change: None,
        created_at: NOW,
        updated_at: NOW,
    }
}

pub(super) fn notice(kind: SystemKind, user: UserId) -> Message {
    let system = System { kind, user: Some(user), by: AUTHOR, role: None, name: None };
    Message { system: Some(system), message_type: MessageType::System, content: String::new(), ..message() }
}

/// What a case changes about somebody who would be notified.
#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) message: Message,
    pub(super) members: usize,
    pub(super) user: UserId,
    pub(super) flags: (bool, bool, bool),
    pub(super) read: i64,
    pub(super) notified: i64,
    pub(super) notified_at: Option<Timestamp>,
    pub(super) active_until: Option<Timestamp>,
    pub(super) settings: NotificationSettings,
    pub(super) room: RoomSettings,
    pub(super) zones: Vec<Option<TimeZone>>,
    pub(super) looks: u32,
}

impl Case {
    fn new() -> Self {
        Self {
            message: message(),
            members: 5,
            user: MEMBER,
            flags: (true, true, false),
            read: 0,
            notified: 0,
            notified_at: None,
            active_until: None,
            settings: NotificationSettings::default(),
            room: RoomSettings::default(),
            zones: vec![None],
            looks: 0,
        }
    }

    pub(super) fn decide(&self) -> Decision {
        let (is_member, is_active, has_blocked_author) = self.flags;
        let to = Recipient {
            user: self.user,
            is_member,
            is_active,
            has_blocked_author,
            read: Seq(self.read),
            notified: Seq(self.notified),
            notified_at: self.notified_at,
            active_until: self.active_until,
            settings: &self.settings,
            room: &self.room,
            zones: &self.zones,
        };
        decide(&self.message, self.members, &to, self.looks, NOW)
    }
}

/// A case with one difference.
fn with(change: impl FnOnce(&mut Case)) -> Decision {
    let mut case = Case::new();
    change(&mut case);
    case.decide()
}

pub(super) fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

pub(super) fn at_noon(zone: Option<&str>) -> QuietHours {
    let [from, to] = ["11:00", "13:00"].map(|text| TimeOfDay::parse(text).unwrap());
    let zone = zone.map(|name| TimeZone::parse(name).unwrap());
    QuietHours::new(from, to, Days::parse(&[4]).unwrap(), zone).unwrap()
}

#[test]
fn member_who_is_away_is_notified() {
    assert_eq!(Case::new().decide(), Decision::Push);
}

#[test]
fn message_that_is_nobodys_business_is_dropped() {
    use DropReason::{Blocked, Gone, Inactive, NotMember, Notice, Notified, Own, Read};
    for (reason, decision) in [
        (Gone, with(|case| case.message.deleted_at = Some(NOW))),
        (Gone, with(|case| case.message.hidden_for = vec![MEMBER])),
        (Own, with(|case| case.user = AUTHOR)),
        (Notice, with(|case| case.message = notice(SystemKind::MemberJoined, MEMBER))),
        (Notice, with(|case| case.message = notice(SystemKind::MemberAdded, UserId(3)))),
        (NotMember, with(|case| case.flags.0 = false)),
        (Inactive, with(|case| case.flags.1 = false)),
        (Blocked, with(|case| case.flags.2 = true)),
        (Read, with(|case| case.read = 10)),
        (Notified, with(|case| case.notified = 11)),
    ] {
        assert_eq!(decision, Decision::Drop(reason));
    }
}

#[test]
fn person_added_to_a_group_is_notified() {
    assert_eq!(with(|case| case.message = notice(SystemKind::MemberAdded, MEMBER)), Decision::Push);
}

#[test]
fn settings_silence_in_the_order_of_their_reach() {
    use DropReason::{Level as OfLevel, Muted, Paused, Quiet};
    let later = Some(NOW.plus(seconds(1)));
    let mut case = Case::new();
    case.room.level = Some(Level::None);
    assert_eq!(case.decide(), Decision::Drop(OfLevel));
    case.room.muted_until = later;
    assert_eq!(case.decide(), Decision::Drop(Muted));
    case.settings.quiet = Some(at_noon(Some("Asia/Seoul")));
    assert_eq!(case.decide(), Decision::Drop(Quiet));
    case.settings.paused_until = later;
    assert_eq!(case.decide(), Decision::Drop(Paused));
}

#[test]
fn pause_and_mute_end_by_themselves() {
    assert_eq!(with(|case| case.settings.paused_until = Some(NOW)), Decision::Push);
    assert_eq!(with(|case| case.room.muted_until = Some(NOW)), Decision::Push);
}

#[test]
fn muting_silences_mentions_too() {
    let decision = with(|case| {
        case.message.mentions.people = vec![MEMBER];
        case.room.muted_until = Some(NOW.plus(seconds(1)));
    });
    assert_eq!(decision, Decision::Drop(DropReason::Muted));
}

#[test]
fn quiet_hours_of_the_devices_hold_while_all_are_quiet() {
    let zone = |name: &str| Some(TimeZone::parse(name).unwrap());
    let of =
        |zones: Vec<Option<TimeZone>>| with(|case| (case.settings.quiet, case.zones) = (Some(at_noon(None)), zones));
    assert_eq!(of(vec![zone("Asia/Seoul"), zone("Asia/Tokyo")]), Decision::Drop(DropReason::Quiet));
    assert_eq!(of(vec![zone("Asia/Seoul"), zone("Europe/Berlin")]), Decision::Push);
    assert_eq!(of(vec![None]), Decision::Push, "a device without a zone is in UTC");
}

#[test]
fn level_mentions_lets_mentions_alone_pass() {
    let of = |change: fn(&mut Case)| {
        with(|case| {
            case.settings.level = Level::Mentions;
            change(case);
        })
    };
    let dropped = Decision::Drop(DropReason::Level);
    assert_eq!(of(|_| ()), dropped);
    assert_eq!(of(|case| case.message.mentions.people = vec![UserId(3)]), dropped);
    assert_eq!(of(|case| case.message.mentions.people = vec![MEMBER]), Decision::Push);
    assert_eq!(of(|case| case.message.mentions.all = Some(MentionsAll::Here)), dropped);
    assert_eq!(of(|case| case.message.mentions.all = Some(MentionsAll::Channel)), Decision::Push);
    let without_wide = of(|case| {
        case.message.mentions.all = Some(MentionsAll::Channel);
        case.settings.wide = false;
    });
    assert_eq!(without_wide, dropped);
}

#[test]
fn large_room_has_a_level_of_its_own() {
    assert_eq!(with(|case| case.members = 100), Decision::Push);
    assert_eq!(with(|case| case.members = 101), Decision::Drop(DropReason::Level));
    let wished = with(|case| (case.members, case.room.level) = (101, Some(Level::All)));
    assert_eq!(wished, Decision::Push);
}

#[test]
fn active_user_is_checked_again_for_fifteen_minutes() {
    let active = |looks: u32, age: u64| {
        with(|case| {
            case.active_until = Some(NOW.plus(seconds(1)));
            case.looks = looks;
            case.message.created_at = NOW.minus(seconds(age));
        })
    };
    assert_eq!(active(0, 0), Decision::Later(seconds(30)));
    assert_eq!(active(1, 30), Decision::Later(seconds(60)));
    assert_eq!(active(15, 899), Decision::Later(seconds(60)));
    assert_eq!(active(15, 900), Decision::Drop(DropReason::Old));
    assert_eq!(with(|case| case.active_until = Some(NOW)), Decision::Push);
}

#[test]
fn burst_of_messages_rings_once() {
    let notified = |ago: u64| with(|case| case.notified_at = Some(NOW.minus(seconds(ago))));
    assert_eq!(notified(2), Decision::Later(seconds(5)));
    assert_eq!(notified(3), Decision::Push);
}

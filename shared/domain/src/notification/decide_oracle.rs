//! Random cases against the table, read row by row.

use super::{
    tests::{AUTHOR, Case, MEMBER, NOW, at_noon, message, notice, seconds},
    *,
};
use crate::{Mentions, System};
use proptest::prelude::*;

/// The table, condition by condition, without any of the code above.
fn naive(case: &Case) -> Decision {
    let Case { message, settings, room, user, .. } = case;
    let added = match &message.system {
        Some(System { kind: SystemKind::MemberAdded, user: Some(added), .. }) => added == user,
        _ => false,
    };
    let named = message.mentions.people.iter().any(|named| named == user);
    let wide = match room.wide {
        Some(wide) => wide,
        None => settings.wide,
    };
    let mention = named || added || (wide && message.mentions.all == Some(MentionsAll::Channel));
    let level = match (room.level, case.members) {
        (Some(level), _) => level,
        (None, 0..=100) => settings.level,
        (None, _) => settings.large_room_level,
    };
    let quiet_in_seoul = |zone: &Option<TimeZone>| zone.as_ref().is_some_and(|zone| zone.as_str() == "Asia/Seoul");
    let quiet = match &settings.quiet {
        None => false,
        Some(quiet) if quiet.time_zone().is_some() => quiet_in_seoul(&quiet.time_zone().cloned()),
        Some(_) => case.zones.iter().all(quiet_in_seoul),
    };
    let is_later = |moment: Option<Timestamp>| moment.is_some_and(|moment| moment > NOW);
    let since_notified = case.notified_at.map(|at| NOW.millis() - at.millis());
    let rows = [
        (message.deleted_at.is_some() || message.hidden_for.contains(user), Decision::Drop(DropReason::Gone)),
        (*user == message.user, Decision::Drop(DropReason::Own)),
        (message.system.is_some() && !added, Decision::Drop(DropReason::Notice)),
        (!case.flags.0, Decision::Drop(DropReason::NotMember)),
        (!case.flags.1, Decision::Drop(DropReason::Inactive)),
        (case.flags.2, Decision::Drop(DropReason::Blocked)),
        (case.read >= message.seq.0, Decision::Drop(DropReason::Read)),
        (case.notified >= message.seq.0, Decision::Drop(DropReason::Notified)),
        (is_later(settings.paused_until), Decision::Drop(DropReason::Paused)),
        (quiet, Decision::Drop(DropReason::Quiet)),
        (is_later(room.muted_until), Decision::Drop(DropReason::Muted)),
        (level == Level::None || level == Level::Mentions && !mention, Decision::Drop(DropReason::Level)),
        (
            is_later(case.active_until) && NOW.millis() - message.created_at.millis() >= 900_000,
            Decision::Drop(DropReason::Old),
        ),
        (is_later(case.active_until) && case.looks == 0, Decision::Later(seconds(30))),
        (is_later(case.active_until), Decision::Later(seconds(60))),
        (since_notified.is_some_and(|millis| millis < 3_000), Decision::Later(seconds(5))),
    ];
    rows.into_iter().find(|(holds, _)| *holds).map_or(Decision::Push, |(_, decision)| decision)
}

fn around_now() -> impl Strategy<Value = Option<Timestamp>> {
    let near = prop::sample::select(vec![-4_000_i64, -3_000, -2_999, -1, 0, 1, 60_000]);
    prop::option::of(near.prop_map(|millis| Timestamp::from_millis(NOW.millis() + millis)))
}

fn levels() -> impl Strategy<Value = Level> {
    prop::sample::select(vec![Level::All, Level::Mentions, Level::None])
}

fn messages() -> impl Strategy<Value = Message> {
    let kind = prop::sample::select(vec![
        message(),
        message(),
        message(),
        notice(SystemKind::MemberAdded, MEMBER),
        notice(SystemKind::MemberAdded, UserId(3)),
        notice(SystemKind::MemberLeft, MEMBER),
    ]);
    let all = prop::sample::select(vec![None, None, Some(MentionsAll::Here), Some(MentionsAll::Channel)]);
    let people = prop::sample::subsequence(vec![AUTHOR, MEMBER, UserId(3)], 0..=3);
    let gone = prop::sample::select(vec![0, 0, 0, 0, 0, 0, 0, 0, 1, 2]);
    let age = prop::sample::select(vec![0_u64, 30, 899, 900, 1_000]);
    (kind, all, people, gone, age).prop_map(|(message, all, people, gone, age)| Message {
        mentions: Mentions { people, all },
        deleted_at: (gone == 1).then_some(NOW),
        hidden_for: if gone == 2 { vec![MEMBER] } else { Vec::new() },
        created_at: NOW.minus(seconds(age)),
        ..message
    })
}

fn settings() -> impl Strategy<Value = NotificationSettings> {
    let quiet = prop::sample::select(vec![
        None,
        None,
        None,
        Some(at_noon(None)),
        Some(at_noon(Some("Asia/Seoul"))),
        Some(at_noon(Some("UTC"))),
    ]);
    (levels(), levels(), around_now(), quiet, any::<bool>()).prop_map(
        |(level, large_room_level, paused_until, quiet, wide)| NotificationSettings {
            level,
            large_room_level,
            paused_until,
            quiet,
            wide,
            ..NotificationSettings::default()
        },
    )
}

fn cases() -> impl Strategy<Value = Case> {
    let zone = prop::sample::select(vec![None, Some("Asia/Seoul"), Some("Asia/Seoul"), Some("Europe/Berlin")]);
    let zone = zone.prop_map(|name| name.map(|name| TimeZone::parse(name).unwrap()));
    let room = (prop::option::of(levels()), around_now(), prop::option::of(any::<bool>()));
    let room = room.prop_map(|(level, muted_until, wide)| RoomSettings { level, muted_until, wide });
    let flag = || prop::sample::select(vec![true, true, true, true, true, true, true, true, true, false]);
    let who = (prop::sample::select(vec![MEMBER, MEMBER, MEMBER, MEMBER, AUTHOR]), flag(), flag(), flag());
    let cursors = (0..12_i64, 0..12_i64, around_now(), around_now());
    let scene = (prop::sample::select(vec![2_usize, 100, 101, 1_000]), 0..3_u32, prop::collection::vec(zone, 1..4));
    (messages(), settings(), room, who, cursors, scene).prop_map(|(message, settings, room, who, cursors, scene)| {
        let (user, is_member, is_active, not_blocked) = who;
        let (read, notified, notified_at, active_until) = cursors;
        let (members, looks, zones) = scene;
        let flags = (is_member, is_active, !not_blocked);
        Case { message, members, user, flags, read, notified, notified_at, active_until, settings, room, zones, looks }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    #[test]
    fn decision_is_the_first_row_of_the_table_that_holds(case in cases()) {
        prop_assert_eq!(case.decide(), naive(&case), "{:?}", case);
    }
}

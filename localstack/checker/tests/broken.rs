//! The checker finds mistakes: a room server with one mistake fails, the correct one passes the same seeds.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says by panicking that it failed")]

mod model_room;

use std::time::Duration;

use checker::{
    Usage,
    drive::{Group, Plan, drive},
    history::{GROUPS, Member, Recorder},
    verify::{Promise, Violation, verify},
};
use model_room::{Mistake, ModelRoom};

const SEEDS: u64 = 60;

/// What share of all actions files have, in percent, where they matter.
const FILES: u32 = 20;

/// For how long people are away where devices matter.
const AWAY: Duration = Duration::from_secs(4);

/// What people do, and the longest time between two crashes; some mistakes show in few circumstances only.
fn circumstances(seed: u64, mistake: Option<Mistake>) -> (Usage, u64) {
    let with_files = matches!(mistake, Some(Mistake::UploadInTwo | Mistake::TombstoneFile | Mistake::OpenLinks));
    let files = if with_files { FILES } else { 0 };
    let of_devices = [Mistake::NotifiedOutsiders, Mistake::LogoutKeepsDevice, Mistake::NotifiedAuthor];
    let has_devices = mistake.is_some_and(|mistake| of_devices.contains(&mistake));
    let away = if has_devices { AWAY } else { Duration::ZERO };
    let usage = Usage { think_ms: 120, files, away, ..Usage::default() };
    let gap = if seed.is_multiple_of(2) { 1500 } else { 60 };
    match mistake {
        Some(Mistake::NoUniqueRev) => (Usage { think_ms: 60, ..usage }, 20),
        Some(Mistake::BlockBeforeAccess) => (Usage { blocks: 3, ..usage }, gap),
        _ => (usage, gap),
    }
}

fn play(seed: u64, mistake: Option<Mistake>) -> Vec<Violation> {
    play_in(seed, mistake, &plan_of_two(seed, mistake))
}

/// The same in a group of four people.
fn play_group(seed: u64, mistake: Option<Mistake>) -> Vec<Violation> {
    play_in(seed, mistake, &plan_of_group(seed, mistake))
}

fn plan_of_group(seed: u64, mistake: Option<Mistake>) -> Plan {
    let member = |person| Member { person, id: person as u64, name: format!("p{person}").into() };
    let people = (0..4).map(member).collect();
    let groups = vec![Group { room: GROUPS + 1, people }];
    let plan = plan_of_two(seed, mistake);
    // Ownership is passed on in few changes only.
    let members = if mistake == Some(Mistake::OwnerKeepsRole) { 70 } else { 10 };
    let usage = Usage { members, ..plan.usage };
    Plan { rooms: Vec::new(), clients: 0, groups, group_clients: 6, usage, ..plan }
}

fn plan_of_two(seed: u64, mistake: Option<Mistake>) -> Plan {
    let (usage, _) = circumstances(seed, mistake);
    let (rooms, lasts) = (vec![(1, [0, 1])], Duration::from_secs(20));
    Plan { rooms, clients: 5, groups: Vec::new(), group_clients: 0, seed, lasts, usage }
}

fn play_in(seed: u64, mistake: Option<Mistake>, plan: &Plan) -> Vec<Violation> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let server = ModelRoom::new(seed, mistake);
        let (_, gap) = circumstances(seed, mistake);
        let recorder = Recorder::default();
        drive(&server, plan, &recorder, server.break_for(plan.lasts, gap)).await.unwrap();
        verify(&recorder.take())
    })
}

/// The first seed that shows the mistake by breaking the promise, and what it breaks.
fn caught(mistake: Mistake, promise: Promise) -> (u64, Vec<Violation>) {
    caught_by(play, mistake, promise)
}

fn caught_by(
    play: fn(u64, Option<Mistake>) -> Vec<Violation>,
    mistake: Mistake,
    promise: Promise,
) -> (u64, Vec<Violation>) {
    let breaks = |found: &[Violation]| found.iter().any(|violation| violation.promise == promise);
    let runs = (1..=SEEDS).map(|seed| (seed, play(seed, Some(mistake))));
    let Some((seed, found)) = runs.into_iter().find(|(_, found)| breaks(found)) else {
        panic!("{mistake:?} is not seen in {SEEDS} seeds");
    };
    println!("{mistake:?} is seen with seed {seed}:\n{}", found[0]);
    (seed, found)
}

fn breaks(mistake: Mistake, promise: Promise) {
    caught(mistake, promise);
}

fn breaks_in_group(mistake: Mistake, promise: Promise) {
    caught_by(play_group, mistake, promise);
}

#[test]
fn correct_server_keeps_every_promise() {
    for seed in 1..=SEEDS {
        let found = play(seed, None);
        assert!(found.is_empty(), "seed {seed}: {}", found[0]);
    }
}

#[test]
fn correct_server_keeps_every_promise_in_groups() {
    for seed in 1..=SEEDS {
        let found = play_group(seed, None);
        assert!(found.is_empty(), "seed {seed}: {}", found[0]);
    }
}

#[test]
fn correct_server_keeps_every_promise_about_files() {
    for seed in 1..=SEEDS / 4 {
        for mut plan in [plan_of_two(seed, None), plan_of_group(seed, None)] {
            plan.usage.files = FILES;
            let found = play_in(seed, None, &plan);
            assert!(found.is_empty(), "seed {seed}: {}", found[0]);
        }
    }
}

#[test]
fn correct_server_keeps_every_promise_about_devices() {
    for seed in 1..=SEEDS / 4 {
        for mut plan in [plan_of_two(seed, None), plan_of_group(seed, None)] {
            plan.usage.away = AWAY;
            let found = play_in(seed, None, &plan);
            assert!(found.is_empty(), "seed {seed}: {}", found[0]);
        }
    }
}

#[test]
fn notification_of_whoever_was_removed_is_detected() {
    breaks_in_group(Mistake::NotifiedOutsiders, Promise::RightsFenced);
}

#[test]
fn a_device_that_outlives_its_session_is_detected() {
    breaks(Mistake::LogoutKeepsDevice, Promise::RightsFenced);
}

#[test]
fn notification_of_an_own_message_is_detected() {
    breaks(Mistake::NotifiedAuthor, Promise::Protocol);
}

#[test]
fn upload_in_two_messages_is_detected() {
    breaks(Mistake::UploadInTwo, Promise::SameMessage);
}

#[test]
fn tombstone_that_still_lists_its_file_is_detected() {
    breaks(Mistake::TombstoneFile, Promise::Protocol);
}

#[test]
fn link_to_the_file_of_a_deleted_message_is_detected() {
    breaks(Mistake::OpenLinks, Promise::RightsFenced);
}

#[test]
fn removed_member_that_still_reads_is_detected() {
    breaks_in_group(Mistake::RemovedReader, Promise::RightsFenced);
}

#[test]
fn removed_member_that_still_hears_messages_is_detected() {
    breaks_in_group(Mistake::RemovedHearer, Promise::RightsFenced);
}

#[test]
fn change_without_its_system_message_is_detected() {
    breaks_in_group(Mistake::LostEvent, Promise::NothingLost);
}

#[test]
fn change_with_two_system_messages_is_detected() {
    breaks_in_group(Mistake::EventTwice, Promise::OneOrder);
}

#[test]
fn system_messages_in_the_wrong_order_are_detected() {
    breaks_in_group(Mistake::UnorderedEvents, Promise::OneOrder);
}

#[test]
fn an_edit_that_forgets_reactions_is_detected() {
    breaks_in_group(Mistake::ForgottenReactions, Promise::NothingLost);
}

#[test]
fn a_repeated_reaction_that_counts_again_is_detected() {
    breaks_in_group(Mistake::RepeatedReaction, Promise::Protocol);
}

#[test]
fn a_deleted_message_that_keeps_its_reactions_is_detected() {
    breaks_in_group(Mistake::TombstoneReactions, Promise::Protocol);
}

#[test]
fn an_edit_that_unpins_the_message_is_detected() {
    breaks_in_group(Mistake::ForgottenPin, Promise::NothingLost);
}

#[test]
fn members_who_act_as_staff_are_detected() {
    breaks_in_group(Mistake::StaffForAll, Promise::RightsFenced);
}

#[test]
fn former_owner_who_acts_as_owner_is_detected() {
    breaks_in_group(Mistake::OwnerKeepsRole, Promise::RightsFenced);
}

#[test]
fn banned_person_who_is_added_is_detected() {
    breaks_in_group(Mistake::BanOfMembersOnly, Promise::RightsFenced);
}

#[test]
fn invites_that_never_end_are_detected() {
    breaks_in_group(Mistake::EndlessInvites, Promise::RightsFenced);
}

#[test]
fn signals_to_whoever_was_removed_are_detected() {
    breaks_in_group(Mistake::OpenSignals, Promise::RightsFenced);
}

#[test]
fn signals_across_a_block_are_detected() {
    breaks(Mistake::OpenSignals, Promise::RightsFenced);
}

#[test]
fn badge_that_counts_too_much_is_detected() {
    breaks(Mistake::GrowingBadge, Promise::Protocol);
}

#[test]
fn person_who_stays_online_without_a_connection_is_detected() {
    breaks_in_group(Mistake::EternalPresence, Promise::Presence);
}

#[test]
fn mention_of_somebody_outside_the_group_is_detected() {
    breaks_in_group(Mistake::MentionOfAnybody, Promise::Protocol);
}

#[test]
fn forward_that_mentions_people_is_detected() {
    breaks_in_group(Mistake::ForwardedMentions, Promise::Protocol);
}

#[test]
fn removal_answered_before_the_fence_is_detected() {
    breaks_in_group(Mistake::BlockBeforeAccess, Promise::RightsFenced);
}

#[test]
fn reservation_not_fenced_by_a_removal_is_detected() {
    breaks_in_group(Mistake::UnfencedReserve, Promise::RightsFenced);
}

#[test]
fn a_run_of_the_model_is_the_same_every_time() {
    let (seed, found) = caught(Mistake::CursorPastEntryInFlight, Promise::NothingMissed);
    assert_eq!(play(seed, Some(Mistake::CursorPastEntryInFlight)), found);
}

#[test]
fn a_release_before_the_write_is_detected() {
    breaks(Mistake::ReleaseBeforeWrite, Promise::NothingMissed);
}

#[test]
fn a_cursor_past_an_entry_in_flight_is_detected() {
    breaks(Mistake::CursorPastEntryInFlight, Promise::NothingMissed);
}

#[test]
fn a_missing_unique_key_on_client_id_is_detected() {
    breaks(Mistake::NoUniqueClientId, Promise::SameMessage);
}

#[test]
fn a_missing_unique_key_on_seq_is_detected() {
    breaks(Mistake::NoUniqueSeq, Promise::OneOrder);
}

#[test]
fn a_missing_unique_key_on_rev_is_detected() {
    breaks(Mistake::NoUniqueRev, Promise::NothingMissed);
}

#[test]
fn a_release_that_is_not_counted_is_detected() {
    breaks(Mistake::UncountedRelease, Promise::NothingMissed);
}

#[test]
fn an_edit_over_a_newer_change_is_detected() {
    breaks(Mistake::UnguardedEdit, Promise::NothingMissed);
}

#[test]
fn cut_page_with_the_cursor_of_a_whole_page_is_detected() {
    breaks(Mistake::CutPageCursor, Promise::NothingMissed);
}

#[test]
fn rows_that_are_read_before_the_head_are_detected() {
    breaks(Mistake::RowsBeforeHead, Promise::NothingMissed);
}

#[test]
fn retry_acknowledging_an_unreleased_message_is_detected() {
    breaks(Mistake::UnstampedRetry, Promise::NothingMissed);
}

#[test]
fn retry_compared_with_an_edited_text_is_detected() {
    breaks(Mistake::RetryAgainstEditedText, Promise::SameMessage);
}

#[test]
fn an_ack_before_the_write_is_detected() {
    breaks(Mistake::AckBeforeWrite, Promise::NothingLost);
}

#[test]
fn list_cursor_read_after_its_rows_is_detected() {
    breaks(Mistake::ListCursorAfterRows, Promise::NothingMissed);
}

#[test]
fn search_that_forgets_the_newest_is_caught() {
    breaks(Mistake::ForgetfulSearch, Promise::NothingMissed);
}

#[test]
fn an_edit_that_revives_a_tombstone_is_detected() {
    breaks(Mistake::RevivingEdit, Promise::NothingLost);
}

#[test]
fn an_edit_that_is_accepted_after_a_delete_is_detected() {
    breaks(Mistake::EditOfTombstone, Promise::NothingLost);
}

#[test]
fn a_delete_over_a_newer_change_is_detected() {
    breaks(Mistake::UnguardedDelete, Promise::NothingLost);
}

#[test]
fn a_read_cursor_that_falls_is_detected() {
    breaks(Mistake::FallingReadCursor, Promise::NothingLost);
}

#[test]
fn a_read_cursor_past_the_end_is_detected() {
    breaks(Mistake::UnclampedRead, Promise::Protocol);
}

#[test]
fn tombstones_that_count_as_unread_are_detected() {
    breaks(Mistake::UnreadTombstones, Promise::Protocol);
}

#[test]
fn a_token_that_outlives_its_session_is_detected() {
    breaks(Mistake::LogoutKeepsToken, Promise::RightsFenced);
}

#[test]
fn a_socket_that_outlives_its_session_is_detected() {
    breaks(Mistake::LogoutKeepsSocket, Promise::RightsFenced);
}

#[test]
fn a_ticket_that_outlives_its_session_is_detected() {
    breaks(Mistake::LogoutKeepsTicket, Promise::RightsFenced);
}

#[test]
fn reservation_not_fenced_by_a_block_is_detected() {
    breaks(Mistake::UnfencedReserve, Promise::RightsFenced);
}

#[test]
fn block_answered_before_the_fence_is_detected() {
    breaks(Mistake::BlockBeforeAccess, Promise::RightsFenced);
}

#[test]
fn a_retry_that_a_block_refuses_is_detected() {
    breaks(Mistake::RefusedRetry, Promise::SameMessage);
}

#[test]
fn retry_after_a_block_with_another_message_is_detected() {
    breaks(Mistake::NameUntilRightsChange, Promise::SameMessage);
}

//! Every rule is needed: without it, a promise is broken. And every accepted limit is where the specification says it is.

use model::{Expected, Rule, Run, runs};

fn breaks(run: &Run) {
    let outcome = run.check(1, &mut |_| ());
    let found = outcome.counterexample.as_ref().map(|found| &found.violation);
    assert!(run.expected.is_met_by(&outcome), "{} must show {:?}, found {found:?}", run.name, run.expected);
}

/// One test for each rule; a rule without one does not compile.
macro_rules! each_rule {
    ($($test:ident => $rule:ident,)*) => {
        $(
            #[test]
            fn $test() {
                breaks(&Rule::$rule.counterexample());
            }
        )*

        const fn has_test(rule: Rule) -> bool {
            match rule {
                $(Rule::$rule => true,)*
            }
        }
    };
}

each_rule! {
    rights_are_in_the_filter_of_the_reserve => RightsInReserveFilter,
    release_must_count => ReleaseMustCount,
    release_names_its_attempt => ReleaseByOp,
    messages_are_written_with_a_majority => WritesWithMajority,
    client_id_is_unique => UniqueClientId,
    seq_is_unique => UniqueSeq,
    rev_is_unique => UniqueRev,
    rev_is_unique_at_stamps_too => UniqueRevAtStamps,
    change_is_guarded_by_rev => ChangeGuardedByRev,
    stamp_lifts_seq => StampLiftsSeq,
    passed_message_is_withdrawn => PassedMessageWithdrawn,
    retry_stamps_a_pending_row => RetryStampsPendingRow,
    writer_stamps_with_rights => RightsAtStamp,
    refused_message_is_withdrawn => RefusedMessageWithdrawn,
    withdrawal_is_guarded_by_rev => WithdrawGuardedByRev,
    withdrawal_needs_a_row_that_nobody_else_moved => WithdrawOnlyOwnRevs,
    withdrawn_message_gives_its_client_id_back => WithdrawnClientIdIsFree,
    retry_stamps_with_rights => RightsAtRetryStamp,
    refused_retry_touches_nothing => RefusedRetryTouchesNothing,
    duplicate_is_answered_to_members_only => DuplicateNeedsRights,
    edit_reserves_with_a_majority => EditsReserveWithMajority,
    sweeper_stamps_without_rights => SweeperStampsWithoutRights,
    kick_is_answered_by_a_majority => KickAnsweredByMajority,
    page_stops_below_entries_in_flight => ReadersStopBelowEntries,
    stale_entry_expires => StaleEntriesExpire,
    only_a_write_expires_an_entry => OnlyWritesExpireEntries,
    head_and_rows_are_one_snapshot => OneSnapshot,
    head_is_not_read_after_rows => HeadBeforeRows,
    cursor_of_a_cut_page_is_its_last_row => CutPageEndsAtLastRow,
    push_moves_the_cursor_by_one => PushMovesCursorByOne,
    note_of_a_failed_push_is_guarded_by_rev => NoteGuardedByRev,
    clearing_a_note_is_guarded_by_rev => ClearGuardedByRev,
    note_is_cleared_only_when_every_push_went_through => ClearOnlyWhenAllPushed,
    tries_are_carried_over => TriesCarriedOver,
    new_change_counts_its_tries_anew => NewChangeCountsAnew,
    recipients_come_from_the_reservation => RecipientsFromReservation,
    recipients_are_taken_anew_after_a_stamp => RecipientsAnewAfterStamp,
    gate_keeps_ended_sessions => GateKeepsEndedSessions,
    connect_stores_its_row_then_checks => ConnectStoresThenChecks,
    logout_ends_the_session_then_closes_sockets => LogoutEndsThenCloses,
    projection_sets_rights_only => ProjectionSetsRightsOnly,
    projection_is_guarded_by_version => ProjectionGuardedByVersion,
    change_is_placed_behind_those_before_it => EventsPlacedInOrder,
    found_system_message_is_settled_first => FoundEventSettledFirst,
    change_is_forgotten_when_it_is_placed => EventsForgottenWhenPlaced,
}

#[test]
fn every_rule_is_listed() {
    assert!(Rule::all().iter().all(|&rule| has_test(rule) && !rule.text().is_empty()));
}

/// A split brain, a kick and a writer's death: the sweeper publishes a message that was never acknowledged.
#[test]
fn accepted_limits_are_found() {
    let limits = runs().into_iter().filter(|run| matches!(run.expected, Expected::Limit(_)));
    let checked = limits.inspect(breaks).count();
    assert_eq!(checked, 4);
}

#[test]
fn other_known_counterexamples_are_found() {
    let runs = runs().into_iter().filter(|run| run.name == "deliveries/notes without guard");
    assert_eq!(runs.inspect(breaks).count(), 1);
}

//! The whole protocol keeps every promise in every bounded world.

use model::{Expected, Size, runs};

/// Checks the bounded runs of a group, and that there are some.
fn check(group: &str) {
    let mut checked = 0;
    for run in runs() {
        if run.size == Size::Bounded && run.expected == Expected::Holds && run.name.starts_with(group) {
            let outcome = run.check(1, &mut |_| ());
            assert!(run.expected.is_met_by(&outcome), "{}: {:#?}", run.name, outcome.counterexample);
            checked += 1;
        }
    }
    assert!(checked > 0, "no run is named {group}");
}

#[test]
fn acknowledged_messages_are_kept_in_order_and_shown() {
    check("order/");
}

#[test]
fn retried_send_is_the_same_message() {
    check("retry/");
}

#[test]
fn failed_push_is_repeated() {
    check("failing push/");
    check("deliveries/");
}

#[test]
fn kicked_sender_is_refused() {
    check("kick/");
}

#[test]
fn answer_with_cursor_at_head_misses_nothing() {
    check("reader/");
}

#[test]
fn push_reaches_members_only() {
    check("recipients/");
}

#[test]
fn ended_session_is_refused() {
    check("gate/");
}

#[test]
fn projection_keeps_the_order_of_a_room() {
    check("creation/");
}

#[test]
fn system_messages_are_placed_once_and_in_order() {
    check("events/");
}

#[test]
fn promises_hold_on_random_walks_through_every_fault() {
    check("walks/");
}

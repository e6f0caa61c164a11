//! Reactions to message `a`.

use std::time::Duration;

use checker::{
    history::{Answer, Message, Purpose, Request},
    verify::Promise,
};

use crate::story::{ROOM, Story, message, refused, tombstone, unknown};

fn react(takes_back: bool) -> Request {
    Request::React { room: ROOM, message: "a".into(), emoji: "👍".into(), takes_back }
}

fn shown(rev: u64, reactions: &[(&str, u64)]) -> Message {
    let reactions = reactions.iter().map(|(emoji, count)| ((*emoji).into(), *count)).collect();
    Message { reactions, ..message("a", 1, rev) }
}

fn sent() -> Story {
    let mut story = Story::default();
    story.send(0, "a", message("a", 1, 1));
    story
}

#[test]
fn reactions_are_counted_once_for_each_person() {
    let mut story = sent();
    for client in [0, 0, 1, 2] {
        story.call(client, react(false), Answer::Done);
    }
    story.call(2, react(true), Answer::Done);
    story.end(&[&[shown(5, &[("👍", 2)])]]);
    assert_eq!(story.verdict(), []);
}

#[test]
fn acknowledged_reaction_that_is_gone_is_detected() {
    let mut story = sent();
    story.call(1, react(false), Answer::Done);
    story.end(&[&[message("a", 1, 2)]]);
    story.breaks(Promise::NothingLost, "0 x 👍 at the end, but 1 were acknowledged");
}

#[test]
fn reaction_that_nobody_made_is_detected() {
    let mut story = sent();
    story.call(1, react(false), refused(429, "rate_limited"));
    story.end(&[&[shown(2, &[("👍", 1)])]]);
    story.breaks(Promise::Protocol, "1 x 👍 at the end, but there were 0");
}

#[test]
fn reaction_that_was_taken_back_and_stays_is_detected() {
    let mut story = sent();
    story.call(1, react(false), Answer::Done);
    story.call(1, react(true), Answer::Done);
    story.end(&[&[shown(2, &[("👍", 1)])]]);
    story.breaks(Promise::Protocol, "1 x 👍 at the end, but there were 0");
}

#[test]
fn reaction_of_unknown_outcome_may_be_there_or_not() {
    for rows in [shown(2, &[("👍", 1)]), message("a", 1, 2)] {
        let mut story = sent();
        story.call(1, react(false), unknown());
        story.call(1, react(true), Answer::Done);
        story.end(&[&[rows]]);
        assert_eq!(story.verdict(), []);
    }
    let mut story = sent();
    story.call(1, react(false), unknown());
    story.wait(Duration::from_secs(20));
    story.call(1, react(true), Answer::Done);
    story.end(&[&[shown(2, &[("👍", 1)])]]);
    story.breaks(Promise::Protocol, "1 x 👍 at the end, but there were 0");
}

#[test]
fn two_counts_at_one_revision_are_detected() {
    let mut story = sent();
    story.call(1, react(false), Answer::Done);
    story.list(0, Purpose::Look, vec![shown(2, &[("👍", 1)])], 2);
    story.list(0, Purpose::Look, vec![message("a", 1, 2)], 2);
    story.breaks(Promise::Protocol, "two counts of reactions at rev 2");
}

#[test]
fn a_deleted_message_has_no_reactions() {
    let mut story = sent();
    story.call(1, react(false), Answer::Done);
    story.delete(0, "a", tombstone("a", 1, 3));
    story.call(1, react(false), refused(404, "message_not_found"));
    story.end(&[&[tombstone("a", 1, 3)]]);
    assert_eq!(story.verdict(), []);
    let mut story = sent();
    story.call(1, react(false), Answer::Done);
    story.delete(0, "a", Message { reactions: shown(3, &[("👍", 1)]).reactions, ..tombstone("a", 1, 3) });
    story.breaks(Promise::Protocol, "is deleted and has reactions");
}

#[test]
fn a_message_has_at_most_twenty_kinds_of_reactions() {
    let names: Vec<String> = (0..21).map(|kind| kind.to_string()).collect();
    let reactions: Vec<(&str, u64)> = names.iter().map(|name| (&**name, 1)).collect();
    let mut story = sent();
    story.list(0, Purpose::Look, vec![shown(2, &reactions)], 2);
    story.breaks(Promise::Protocol, "has 21 kinds of reactions");
    let mut story = sent();
    story.call(1, react(false), refused(409, "too_many_reactions"));
    story.breaks(Promise::Protocol, "409 too_many_reactions");
}

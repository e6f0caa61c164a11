//! Pins of message `a`.

use checker::{
    history::{Answer, Message, Request},
    verify::Promise,
};

use crate::story::{ROOM, Story, message, refused, unknown};

fn pin(takes_back: bool) -> Request {
    Request::Pin { room: ROOM, message: "a".into(), takes_back }
}

fn shown(rev: u64, pinned: bool) -> Message {
    Message { pinned, ..message("a", 1, rev) }
}

fn sent() -> Story {
    let mut story = Story::default();
    story.send(0, "a", message("a", 1, 1));
    story
}

fn acked(rev: u64, pinned: bool) -> Answer {
    Answer::Ack { message: shown(rev, pinned), dup: None }
}

#[test]
fn acknowledged_pin_stays_until_it_is_taken_back() {
    let mut story = sent();
    story.call(0, pin(false), acked(2, true));
    story.end(&[&[shown(2, true)]]);
    assert_eq!(story.verdict(), []);
    let mut story = sent();
    story.call(0, pin(false), acked(2, true));
    story.call(1, pin(true), unknown());
    story.end(&[&[shown(3, false)]]);
    assert_eq!(story.verdict(), []);
}

#[test]
fn acknowledged_pin_that_is_gone_is_detected() {
    let mut story = sent();
    story.call(0, pin(false), acked(2, true));
    story.end(&[&[shown(3, false)]]);
    story.breaks(Promise::NothingLost, "was acknowledged and is gone");
}

#[test]
fn pin_that_nobody_asked_for_is_detected() {
    let mut story = sent();
    story.end(&[&[shown(2, true)]]);
    story.breaks(Promise::Protocol, "is pinned, which nobody asked for");
}

#[test]
fn refused_pin_in_a_room_with_few_is_detected() {
    let mut story = sent();
    story.call(0, pin(false), refused(409, "too_many_pins"));
    story.breaks(Promise::Protocol, "409 too_many_pins");
}

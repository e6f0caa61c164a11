//! System messages of a group. Client 0 owns it; everybody's id is their number and 10.

use checker::{
    history::{Answer, Message, Request, System},
    verify::Promise,
};

use crate::story::{ROOM, Story, message, refused, unknown};

const KICK: Request = Request::Kick { room: ROOM, of: 1 };
const ADD: Request = Request::Add { room: ROOM, of: 1 };
const LEAVE: Request = Request::Leave { room: ROOM };

fn group() -> Story {
    let mut story = Story::default();
    story.group(3);
    story
}

fn system(kind: &str, seq: u64, of: u64, by: u64) -> Message {
    let system = System { kind: kind.into(), of: Some(of), by };
    let client_id = Some(format!("event {seq}").into());
    Message { author: by, client_id, content: "".into(), system: Some(Box::new(system)), ..message("", seq, seq) }
}

/// The same under an id of its own.
fn row(kind: &str, seq: u64, of: u64, by: u64) -> Message {
    Message { id: format!("system-{seq}").into(), ..system(kind, seq, of, by) }
}

fn kicked(seq: u64) -> Message {
    row("member_kicked", seq, 11, 10)
}

fn added(seq: u64) -> Message {
    row("member_added", seq, 11, 10)
}

#[test]
fn each_change_has_its_message_in_order() {
    let mut story = group();
    story.send(2, "a", message("a", 1, 1));
    story.call(0, KICK, Answer::Done);
    story.send(2, "b", message("b", 3, 3));
    story.call(0, KICK, Answer::Done);
    story.call(0, ADD, Answer::Done);
    story.call(0, ADD, Answer::Done);
    story.call(1, LEAVE, Answer::Done);
    let left = row("member_left", 5, 11, 11);
    let rows = [message("a", 1, 1), kicked(2), message("b", 3, 3), added(4), left];
    story.end(&[&rows, &rows]);
    assert_eq!(story.verdict(), []);
}

#[test]
fn answered_change_without_a_message_is_detected() {
    let mut story = group();
    story.call(0, KICK, Answer::Done);
    story.end(&[&[]]);
    story.breaks(Promise::NothingLost, "1 changes member_kicked were answered, and 0");
    let mut story = group();
    story.call(0, KICK, Answer::Done);
    story.call(0, ADD, Answer::Done);
    story.end(&[&[kicked(1)]]);
    story.breaks(Promise::NothingLost, "1 changes member_added were answered, and 0");
}

#[test]
fn change_of_unknown_outcome_may_have_a_message_or_not() {
    for rows in [&[][..], &[kicked(1), added(2)]] {
        let mut story = group();
        story.call(0, KICK, unknown());
        story.call(0, ADD, Answer::Done);
        story.end(&[rows]);
        assert_eq!(story.verdict(), []);
    }
}

#[test]
fn change_that_another_one_may_have_made_needs_no_message() {
    let mut story = group();
    let kick = story.ask(0, checker::history::Purpose::Look, KICK);
    story.call(1, LEAVE, Answer::Done);
    story.answer(0, kick, Answer::Done);
    story.end(&[&[row("member_left", 1, 11, 11)]]);
    assert_eq!(story.verdict(), []);
}

#[test]
fn message_of_a_change_that_nobody_asked_for_is_detected() {
    let mut story = group();
    story.call(0, KICK, refused(403, "not_permitted"));
    story.end(&[&[kicked(1)]]);
    story.breaks(Promise::OneOrder, "says member_kicked, which nobody did");
}

#[test]
fn change_with_two_messages_is_detected() {
    let mut story = group();
    story.call(0, KICK, Answer::Done);
    story.end(&[&[kicked(1), kicked(2)]]);
    story.breaks(Promise::OneOrder, "which nobody did, or is there twice");
}

#[test]
fn messages_in_the_wrong_order_are_detected() {
    let mut story = group();
    story.call(0, KICK, Answer::Done);
    story.call(0, ADD, Answer::Done);
    story.end(&[&[added(1), kicked(2)]]);
    story.breaks(Promise::OneOrder, "was in already");
}

#[test]
fn change_on_the_wrong_side_of_a_message_is_detected() {
    let mut story = group();
    story.send(2, "a", message("a", 2, 2));
    story.call(0, KICK, Answer::Done);
    story.end(&[&[kicked(1), message("a", 2, 2)]]);
    story.breaks(Promise::OneOrder, "on the wrong side of message a");
    let mut story = group();
    story.call(0, KICK, Answer::Done);
    story.send(2, "a", message("a", 1, 1));
    story.end(&[&[message("a", 1, 1), kicked(2)]]);
    story.breaks(Promise::OneOrder, "on the wrong side of message a");
}

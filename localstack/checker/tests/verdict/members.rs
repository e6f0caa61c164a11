//! Members of a group. Client 0 owns it, client 1 is removed or leaves.

use std::time::Duration;

use checker::{
    history::{Answer, Event, Purpose, Request, Window},
    verify::Promise,
};

use crate::story::{ROOM, Story, ack, delete, edit, edited, message, refused, send, tombstone, unknown};

const KICK: Request = Request::Kick { room: ROOM, of: 1 };
const ADD: Request = Request::Add { room: ROOM, of: 1 };
const LEAVE: Request = Request::Leave { room: ROOM };
const JOIN: Request = Request::Join { room: ROOM };
const LIST: Request = Request::List { room: ROOM, window: Window::Newest, limit: 5 };
const SYNC: Request = Request::Sync { room: ROOM, after: 0, limit: 5 };
const READ: Request = Request::Read { room: ROOM, seq: 1 };

/// Message `a` of client 1, then a removal of client 1.
fn removed() -> Story {
    let mut story = Story::default();
    story.send(1, "a", message("a", 1, 1));
    story.call(0, KICK, Answer::Done);
    story
}

fn no_room() -> Answer {
    refused(404, "room_not_found")
}

#[test]
fn removed_member_is_refused_everything_until_added() {
    let mut story = removed();
    for request in [send("a"), send("b"), LIST, SYNC, READ, LEAVE] {
        story.call(1, request, no_room());
    }
    for request in [edit("a", "new"), delete("a")] {
        story.call(1, request, refused(404, "message_not_found"));
    }
    story.call(1, JOIN, refused(403, "removed_from_room"));
    story.call(0, KICK, Answer::Done);
    story.call(0, ADD, Answer::Done);
    story.list(1, Purpose::Look, vec![message("a", 1, 1)], 1);
    story.send(1, "b", message("b", 2, 2));
    assert_eq!(story.verdict(), []);
}

#[test]
fn every_answer_to_a_removed_member_is_detected() {
    let mut story = removed();
    story.list(1, Purpose::Look, vec![message("a", 1, 1)], 1);
    story.breaks(Promise::RightsFenced, "was not in the group any more, and was answered");
    let mut story = removed();
    story.sync(1, 1, vec![], 1, 1);
    story.breaks(Promise::RightsFenced, "was not in the group any more, and was answered");
    for (request, answer) in [
        (send("a"), Answer::Ack { message: message("a", 1, 1), dup: Some(true) }),
        (send("b"), ack(message("b", 2, 2))),
        (delete("a"), Answer::Ack { message: tombstone("a", 1, 2), dup: None }),
        (READ, Answer::Read { read_seq: 1, unread: 0 }),
        (Request::Kick { room: ROOM, of: 2 }, Answer::Done),
    ] {
        let mut story = removed();
        story.call(1, request, answer);
        story.breaks(Promise::RightsFenced, "was not in the group any more, and was answered");
    }
}

#[test]
fn call_begun_before_the_removal_was_answered_may_succeed() {
    let mut story = Story::default();
    let sent = story.begin(1, "a");
    story.call(0, KICK, Answer::Done);
    story.answer(1, sent, ack(message("a", 1, 1)));
    assert_eq!(story.verdict(), []);
}

#[test]
fn addition_of_unknown_outcome_may_follow_the_removal_for_a_while() {
    let added = || {
        let mut story = Story::default();
        story.call(0, ADD, unknown());
        story
    };
    let mut story = added();
    story.call(0, KICK, Answer::Done);
    story.send(1, "a", message("a", 1, 1));
    assert_eq!(story.verdict(), []);
    let mut story = added();
    story.wait(Duration::from_secs(20));
    story.call(0, KICK, Answer::Done);
    story.send(1, "a", message("a", 1, 1));
    story.breaks(Promise::RightsFenced, "was answered");
}

#[test]
fn addition_that_may_have_taken_effect_ends_the_removal() {
    let mut story = removed();
    story.call(0, ADD, unknown());
    story.send(1, "b", message("b", 2, 2));
    assert_eq!(story.verdict(), []);
    let mut story = removed();
    story.call(0, ADD, refused(429, "rate_limited"));
    story.send(1, "b", message("b", 2, 2));
    story.breaks(Promise::RightsFenced, "was answered");
}

#[test]
fn other_members_go_on_after_a_removal() {
    let mut story = removed();
    story.send(2, "b", message("b", 2, 2));
    story.add(2, Event::Pushed(message("b", 2, 2)));
    assert_eq!(story.verdict(), []);
}

#[test]
fn push_of_an_earlier_message_may_come_late_but_not_for_ever() {
    let mut story = removed();
    story.wait(Duration::from_secs(10));
    story.add(1, Event::Pushed(message("a", 1, 1)));
    assert_eq!(story.verdict(), []);
    let mut story = removed();
    story.wait(Duration::from_secs(20));
    story.add(1, Event::Pushed(message("a", 1, 1)));
    story.breaks(Promise::RightsFenced, "15 s after that");
}

#[test]
fn push_of_a_later_change_to_a_removed_member_is_detected() {
    let mut story = removed();
    story.send(2, "b", message("b", 2, 2));
    story.add(1, Event::Pushed(message("b", 2, 2)));
    story.breaks(Promise::RightsFenced, "which was sent after that");
    let mut story = Story::default();
    story.send(2, "a", message("a", 1, 1));
    story.call(1, LEAVE, Answer::Done);
    story.edit(2, "a", "new", edited("a", 1, 2, "new"));
    story.add(1, Event::Pushed(edited("a", 1, 2, "new")));
    story.breaks(Promise::RightsFenced, "an edit of message a");
    let mut story = Story::default();
    story.send(2, "a", message("a", 1, 1));
    story.call(1, LEAVE, Answer::Done);
    story.delete(2, "a", tombstone("a", 1, 2));
    story.add(1, Event::Pushed(tombstone("a", 1, 2)));
    story.breaks(Promise::RightsFenced, "the deletion of message a");
}

#[test]
fn message_of_a_removed_member_that_appears_is_detected() {
    let mut story = removed();
    story.call(1, send("b"), unknown());
    story.list(0, Purpose::Look, vec![message("a", 1, 1), message("b", 2, 2)], 2);
    story.breaks(Promise::RightsFenced, "was sent while its author was not in the group");
}

#[test]
fn member_who_left_joins_again() {
    let mut story = Story::default();
    story.call(1, LEAVE, Answer::Done);
    story.call(1, send("a"), no_room());
    story.call(0, KICK, refused(404, "member_not_found"));
    story.call(1, JOIN, Answer::Done);
    story.send(1, "a", message("a", 1, 1));
    assert_eq!(story.verdict(), []);
}

#[test]
fn refusal_of_a_member_is_detected() {
    let mut story = Story::default();
    story.call(1, send("a"), no_room());
    story.breaks(Promise::Protocol, "404 room_not_found");
    let mut story = removed();
    story.call(0, ADD, Answer::Done);
    story.call(1, LIST, no_room());
    story.breaks(Promise::Protocol, "404 room_not_found");
    let mut story = Story::default();
    story.call(1, LEAVE, Answer::Done);
    story.call(1, JOIN, refused(403, "removed_from_room"));
    story.breaks(Promise::Protocol, "403 removed_from_room");
    let mut story = Story::default();
    story.call(0, KICK, refused(404, "member_not_found"));
    story.breaks(Promise::Protocol, "404 member_not_found");
}

#[test]
fn removal_of_unknown_outcome_may_take_effect_after_the_addition() {
    let mut story = Story::default();
    story.call(0, KICK, unknown());
    story.call(0, ADD, Answer::Done);
    story.call(1, send("a"), no_room());
    story.wait(Duration::from_secs(20));
    story.call(0, ADD, Answer::Done);
    story.send(1, "a", message("a", 1, 1));
    assert_eq!(story.verdict(), []);
}

//! Blocks. Client 0 blocks, client 1 is the other person; both are in the room.

use std::time::Duration;

use checker::{
    history::{Answer, Purpose, Request},
    verify::Promise,
};

use crate::story::{ROOM, Story, ack, delete, edit, edited, message, refused, send, tombstone, unknown};

const BLOCK: Request = Request::Block { room: ROOM };
const UNBLOCK: Request = Request::Unblock { room: ROOM };

/// Message `a` of client 1, then a block by client 0.
fn blocked() -> Story {
    let mut story = Story::default();
    story.send(1, "a", message("a", 1, 1));
    story.call(0, BLOCK, Answer::Done);
    story
}

fn unavailable() -> Answer {
    refused(403, "recipient_unavailable")
}

fn retried() -> Answer {
    Answer::Ack { message: message("a", 1, 1), dup: Some(true) }
}

#[test]
fn a_blocked_room_is_read_and_not_written() {
    let mut story = blocked();
    for client in [0, 1] {
        story.call(client, send("b"), unavailable());
        story.call(client, edit("a", "new"), unavailable());
        story.list(client, Purpose::Look, vec![message("a", 1, 1)], 1);
    }
    story.call(1, send("a"), retried());
    story.call(0, UNBLOCK, Answer::Done);
    story.send(1, "b", message("b", 2, 2));
    assert_eq!(story.verdict(), []);
}

#[test]
fn send_accepted_in_a_blocked_room_is_detected() {
    for client in [0, 1] {
        let mut story = blocked();
        story.send(client, "b", message("b", 2, 2));
        story.breaks(Promise::RightsFenced, "was accepted although the room was blocked");
    }
}

#[test]
fn edit_accepted_in_a_blocked_room_is_detected() {
    let mut story = blocked();
    story.edit(1, "a", "new", edited("a", 1, 2, "new"));
    story.breaks(Promise::RightsFenced, "was accepted although the room was blocked");
}

#[test]
fn repeated_edit_accepted_in_a_blocked_room_is_detected() {
    let mut story = Story::default();
    story.send(1, "a", message("a", 1, 1));
    story.call(1, edit("a", "new"), unknown());
    story.call(0, BLOCK, Answer::Done);
    story.edit(1, "a", "new", edited("a", 1, 2, "new"));
    story.breaks(Promise::RightsFenced, "was accepted although the room was blocked");
}

#[test]
fn a_blocked_room_lets_its_messages_be_deleted() {
    let mut story = blocked();
    story.delete(1, "a", tombstone("a", 1, 2));
    assert_eq!(story.verdict(), []);
}

#[test]
fn delete_refused_in_a_blocked_room_is_detected() {
    let mut story = blocked();
    story.call(1, delete("a"), unavailable());
    story.breaks(Promise::Protocol, "an honest request was refused");
}

#[test]
fn message_sent_to_a_blocked_room_that_appears_is_detected() {
    let mut story = blocked();
    story.call(1, send("b"), unknown());
    story.list(0, Purpose::Look, vec![message("a", 1, 1), message("b", 2, 2)], 2);
    story.breaks(Promise::RightsFenced, "was sent while the room was blocked");
}

#[test]
fn message_refused_in_a_blocked_room_never_appears() {
    let mut story = blocked();
    story.call(1, send("b"), unavailable());
    story.call(0, UNBLOCK, Answer::Done);
    story.list(0, Purpose::Look, vec![message("a", 1, 1), message("b", 2, 2)], 2);
    story.breaks(Promise::RightsFenced, "was sent while the room was blocked");
}

#[test]
fn edit_refused_in_a_blocked_room_never_appears() {
    let mut story = blocked();
    story.call(1, edit("a", "new"), unavailable());
    story.call(0, UNBLOCK, Answer::Done);
    story.list(0, Purpose::Look, vec![edited("a", 1, 2, "new")], 2);
    story.breaks(Promise::RightsFenced, "shows an edit made while the room was blocked");
}

#[test]
fn send_of_unknown_outcome_may_succeed_during_the_unblock() {
    let mut story = blocked();
    story.call(1, send("b"), unknown());
    let lift = story.ask(0, Purpose::Look, UNBLOCK);
    story.list(0, Purpose::Look, vec![message("a", 1, 1), message("b", 2, 2)], 2);
    story.answer(0, lift, Answer::Done);
    assert_eq!(story.verdict(), []);
}

#[test]
fn refused_send_may_be_retried_after_the_unblock() {
    let mut story = blocked();
    story.call(1, send("b"), unavailable());
    story.call(0, UNBLOCK, Answer::Done);
    story.send(1, "b", message("b", 2, 2));
    assert_eq!(story.verdict(), []);
}

#[test]
fn call_begun_before_the_block_was_answered_may_succeed() {
    let mut story = Story::default();
    story.send(1, "a", message("a", 1, 1));
    let sent = story.begin(1, "b");
    let gone = story.ask(1, Purpose::Look, delete("a"));
    story.call(0, BLOCK, Answer::Done);
    story.answer(1, sent, ack(message("b", 2, 2)));
    story.answer(1, gone, Answer::Ack { message: tombstone("a", 1, 3), dup: None });
    story.call(1, delete("a"), Answer::Ack { message: tombstone("a", 1, 3), dup: None });
    assert_eq!(story.verdict(), []);
}

#[test]
fn retry_refused_in_a_blocked_room_is_detected() {
    let mut story = blocked();
    story.call(1, send("a"), unavailable());
    story.breaks(Promise::SameMessage, "a retry of what was there already was refused");
}

#[test]
fn retry_of_an_unseen_message_in_a_blocked_room_may_be_refused() {
    let mut story = Story::default();
    story.call(1, send("a"), unknown());
    story.call(0, BLOCK, Answer::Done);
    story.call(1, send("a"), unavailable());
    story.list(0, Purpose::Look, vec![message("a", 1, 1)], 1);
    assert_eq!(story.verdict(), []);
}

#[test]
fn a_refusal_without_a_block_is_detected() {
    let mut story = Story::default();
    story.call(1, send("a"), unavailable());
    story.breaks(Promise::Protocol, "403 recipient_unavailable");
}

#[test]
fn a_refusal_after_the_block_was_lifted_is_detected() {
    let mut story = blocked();
    story.call(0, UNBLOCK, Answer::Done);
    story.call(1, send("b"), unavailable());
    story.breaks(Promise::Protocol, "403 recipient_unavailable");
}

#[test]
fn only_changes_are_refused_for_a_block() {
    let mut story = blocked();
    story.call(1, Request::Read { room: ROOM, seq: 1 }, unavailable());
    story.breaks(Promise::Protocol, "403 recipient_unavailable");
}

#[test]
fn a_block_that_another_person_lifts_stays() {
    let mut story = blocked();
    story.call(1, UNBLOCK, Answer::Done);
    story.call(1, send("b"), unavailable());
    story.send(1, "c", message("c", 2, 2));
    story.breaks(Promise::RightsFenced, "was accepted although the room was blocked");
    let mut story = blocked();
    story.call(1, UNBLOCK, Answer::Done);
    story.call(1, send("b"), unavailable());
    assert_eq!(story.verdict(), []);
}

#[test]
fn block_of_unknown_outcome_may_stand_or_follow_its_unblock() {
    let mut story = Story::default();
    story.call(0, BLOCK, unknown());
    story.call(1, send("b"), unavailable());
    story.send(1, "c", message("c", 1, 1));
    story.call(0, UNBLOCK, Answer::Done);
    story.call(1, send("b"), unavailable());
    assert_eq!(story.verdict(), []);
}

#[test]
fn block_of_unknown_outcome_does_not_come_for_ever() {
    let mut story = Story::default();
    story.call(0, BLOCK, unknown());
    story.wait(Duration::from_secs(20));
    story.call(0, UNBLOCK, Answer::Done);
    story.call(1, send("b"), unavailable());
    story.breaks(Promise::Protocol, "403 recipient_unavailable");
}

#[test]
fn unblock_of_unknown_outcome_may_follow_the_next_block_for_a_while() {
    let lifted = || {
        let mut story = blocked();
        story.call(0, UNBLOCK, unknown());
        story
    };
    let mut story = lifted();
    story.call(0, BLOCK, Answer::Done);
    story.send(1, "b", message("b", 2, 2));
    assert_eq!(story.verdict(), []);
    let mut story = lifted();
    story.wait(Duration::from_secs(20));
    story.call(0, BLOCK, Answer::Done);
    story.send(1, "b", message("b", 2, 2));
    story.breaks(Promise::RightsFenced, "was accepted although the room was blocked");
}

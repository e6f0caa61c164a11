//! Read cursors and unread counts. Client 0 writes, client 1 reads.

use std::time::Duration;

use checker::{
    history::{Answer, Purpose, Request},
    verify::Promise,
};

use crate::story::{ROOM, Story, delete, message, send, tombstone, unknown};

fn read(seq: u64) -> Request {
    Request::Read { room: ROOM, seq }
}

fn answer(read_seq: u64, unread: u64) -> Answer {
    Answer::Read { read_seq, unread }
}

/// Messages `a`, `b` and `c` of client 0.
fn three() -> Story {
    let mut story = Story::default();
    for (name, number) in [("a", 1), ("b", 2), ("c", 3)] {
        story.send(0, name, message(name, number, number));
    }
    story
}

#[test]
fn a_cursor_moves_forward_and_leaves_the_rest_unread() {
    let mut story = three();
    story.call(1, read(1), answer(1, 2));
    story.call(1, read(3), answer(3, 0));
    story.call(1, read(2), answer(3, 0));
    story.call(1, read(1_000_000), answer(3, 0));
    story.call(0, read(1), answer(1, 0));
    assert_eq!(story.verdict(), []);
}

#[test]
fn a_cursor_that_falls_is_detected() {
    let mut story = three();
    story.call(1, read(3), answer(3, 0));
    story.call(1, read(1), answer(1, 2));
    story.breaks(Promise::NothingLost, "fell from seq 3 to 1");
}

#[test]
fn reads_at_the_same_time_may_have_either_order() {
    let mut story = three();
    let one = story.ask(1, Purpose::Look, read(1));
    story.call(1, read(3), answer(3, 0));
    story.answer(1, one, answer(1, 2));
    assert_eq!(story.verdict(), []);
}

#[test]
fn people_have_cursors_of_their_own() {
    let mut story = three();
    story.call(1, read(3), answer(3, 0));
    story.call(2, read(1), answer(1, 2));
    assert_eq!(story.verdict(), []);
}

#[test]
fn a_cursor_short_of_what_was_asked_is_detected() {
    let mut story = three();
    story.call(1, read(3), answer(2, 1));
    story.breaks(Promise::NothingLost, "short of 3");
}

#[test]
fn a_cursor_may_be_short_of_what_nobody_had_seen() {
    let mut story = three();
    let sent = story.begin(0, "d");
    story.call(1, read(4), answer(3, 0));
    story.answer(0, sent, crate::story::ack(message("d", 4, 4)));
    assert_eq!(story.verdict(), []);
}

/// Messages 1 and 3 of client 0; the second is still being written.
fn one_and_three() -> Story {
    let mut story = Story::default();
    story.send(0, "a", message("a", 1, 1));
    story.begin(0, "b");
    story.send(0, "c", message("c", 3, 3));
    story
}

#[test]
fn a_cursor_may_wait_for_a_message_that_is_being_written() {
    let mut story = one_and_three();
    story.call(1, read(3), answer(1, 1));
    assert_eq!(story.verdict(), []);
}

#[test]
fn a_cursor_that_waits_for_more_than_is_being_written_is_detected() {
    let mut story = one_and_three();
    story.call(1, read(3), answer(0, 2));
    story.breaks(Promise::NothingLost, "short of 1");
}

#[test]
fn a_cursor_that_waits_for_a_dead_writer_is_detected() {
    let mut story = one_and_three();
    story.wait(Duration::from_secs(6));
    story.call(1, read(3), answer(1, 1));
    story.breaks(Promise::NothingLost, "short of 3");
}

#[test]
fn a_cursor_past_what_was_asked_is_detected() {
    let mut story = three();
    story.call(1, read(1), answer(2, 1));
    story.breaks(Promise::Protocol, "nobody had read past 1");
}

#[test]
fn a_cursor_past_the_room_is_detected() {
    let mut story = three();
    story.call(1, read(1_000_000), answer(1_000_000, 0));
    story.breaks(Promise::Protocol, "the room has never had");
}

#[test]
fn too_few_unread_messages_are_detected() {
    let mut story = three();
    story.call(1, read(1), answer(1, 1));
    story.breaks(Promise::Protocol, "there were 2 to 2");
}

#[test]
fn too_many_unread_messages_are_detected() {
    let mut story = three();
    story.call(1, read(1), answer(1, 3));
    story.breaks(Promise::Protocol, "there were 2 to 2");
}

#[test]
fn own_messages_that_count_as_unread_are_detected() {
    let mut story = three();
    story.call(0, read(1), answer(1, 2));
    story.breaks(Promise::Protocol, "there were 0 to 0");
}

#[test]
fn deleted_messages_that_count_as_unread_are_detected() {
    let mut story = three();
    story.delete(0, "b", tombstone("b", 2, 4));
    story.call(1, read(1), answer(1, 2));
    story.breaks(Promise::Protocol, "there were 1 to 1");
}

#[test]
fn messages_under_way_may_count_or_not() {
    for unread in 1..=4 {
        let mut story = three();
        story.call(0, delete("b"), unknown());
        story.call(0, send("d"), unknown());
        let sent = story.begin(0, "e");
        story.call(1, read(1), answer(1, unread));
        story.answer(0, sent, crate::story::ack(message("e", 4, 5)));
        assert_eq!(story.verdict(), [], "{unread}");
    }
}

#[test]
fn more_than_a_hundred_are_a_hundred() {
    let many = || {
        let mut story = Story::default();
        for number in 1..=120 {
            let name = format!("m{number}");
            story.send(0, &name, message(&name, number, number));
        }
        story
    };
    let mut story = many();
    story.call(1, read(1), answer(1, 100));
    assert_eq!(story.verdict(), []);
    let mut story = many();
    story.call(1, read(1), answer(1, 119));
    story.breaks(Promise::Protocol, "there were 100 to 100");
}

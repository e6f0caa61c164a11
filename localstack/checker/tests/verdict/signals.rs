//! Typing, receipts and presence. In a group everybody's id is their number and 10.

use std::time::Duration;

use checker::{
    history::{Answer, Event, Request, Signal, SignalKind},
    verify::Promise,
};

use crate::story::{ROOM, Story, done, message, unknown};

const TYPING: Request = Request::Typing { room: ROOM };
const KICK: Request = Request::Kick { room: ROOM, of: 1 };
const BLOCK: Request = Request::Block { room: ROOM };

fn group() -> Story {
    let mut story = Story::default();
    story.group(3);
    // Each client is known by its first call.
    for client in 0..3 {
        story.call(client, Request::Friends { room: ROOM }, Answer::Online(Box::default()));
    }
    story
}

fn pair() -> Story {
    let mut story = Story::default();
    for client in 0..2 {
        story.call(client, Request::Friends { room: ROOM }, Answer::Online(Box::default()));
    }
    story
}

fn heard(story: &mut Story, client: usize, kind: SignalKind, of: u64) {
    story.add(client, Event::Heard(Signal { kind, room: ROOM, of }));
}

#[test]
fn removed_member_hears_what_began_before_for_a_moment() {
    for wait in [0, 20] {
        let mut story = group();
        story.call(2, TYPING, done());
        story.call(0, KICK, done());
        story.wait(Duration::from_secs(wait));
        heard(&mut story, 1, SignalKind::Typing, 12);
        if wait == 0 {
            assert_eq!(story.verdict(), []);
        } else {
            story.breaks(Promise::RightsFenced, "person 1 heard of Typing of 12");
        }
    }
}

#[test]
fn removed_member_who_hears_what_began_later_is_detected() {
    let read = Request::Read { room: ROOM, seq: 0 };
    let cases =
        [(SignalKind::Typing, TYPING, done()), (SignalKind::Receipt, read, Answer::Read { read_seq: 0, unread: 0 })];
    for (kind, request, answer) in cases {
        let mut story = group();
        story.call(0, KICK, done());
        story.call(2, request, answer);
        heard(&mut story, 1, kind, 12);
        story.breaks(Promise::RightsFenced, "its author was not in the group");
    }
}

#[test]
fn signal_across_a_block_is_detected() {
    for blocker in 0..2 {
        let mut story = pair();
        story.call(blocker, BLOCK, done());
        story.call(0, TYPING, done());
        heard(&mut story, 1, SignalKind::Typing, 10);
        story.breaks(Promise::RightsFenced, "the room was blocked");
    }
    let mut story = pair();
    story.call(0, BLOCK, unknown());
    story.call(0, TYPING, done());
    heard(&mut story, 1, SignalKind::Typing, 10);
    assert_eq!(story.verdict(), []);
}

#[test]
fn once_quiet_online_means_connected() {
    for (online, connected, words) in [
        (true, true, ""),
        (false, false, ""),
        (true, false, "has no connection, and is online"),
        (false, true, "is connected, and is offline"),
    ] {
        let mut story = group();
        story.add(0, Event::Presence { room: ROOM, of: 1, online, connected });
        if words.is_empty() {
            assert_eq!(story.verdict(), []);
        } else {
            story.breaks(Promise::Presence, words);
        }
    }
}

#[test]
fn unread_total_and_badge_are_counted_by_what_is_there() {
    for (messages, badge, is_right) in [(2, 2, true), (1, 2, false), (2, 3, false), (0, 0, false)] {
        let mut story = pair();
        story.send(0, "a", message("a", 1, 1));
        story.send(0, "b", message("b", 2, 2));
        story.call(1, Request::Total { room: ROOM }, Answer::Total { messages, badge });
        if is_right {
            assert_eq!(story.verdict(), []);
        } else {
            story.breaks(Promise::Protocol, "but there were 2 to 2");
        }
    }
    let mut story = pair();
    story.send(0, "a", message("a", 1, 1));
    story.call(1, Request::Read { room: ROOM, seq: 1 }, unknown());
    story.call(1, Request::Total { room: ROOM }, Answer::Total { messages: 0, badge: 0 });
    assert_eq!(story.verdict(), []);
}

#[test]
fn unread_messages_are_counted_by_what_is_there() {
    for (unread, is_right) in [(2, true), (1, false), (3, false)] {
        let mut story = pair();
        story.send(0, "a", message("a", 1, 1));
        story.send(0, "b", message("b", 2, 2));
        story.call(1, Request::Read { room: ROOM, seq: 0 }, Answer::Read { read_seq: 0, unread: 2 });
        story.call(1, Request::Unread { room: ROOM }, Answer::Read { read_seq: 0, unread });
        if is_right {
            assert_eq!(story.verdict(), []);
        } else {
            story.breaks(Promise::Protocol, &format!("{unread} messages after seq 0 are said to be unread"));
        }
    }
}

/// A long time after the end of every connection.
fn left_over(connections: u64, online: u64) -> Story {
    let mut story = Story::default();
    story.add(0, Event::Remains { connections, online });
    story
}

#[test]
fn connection_stored_beyond_its_time_is_detected() {
    assert_eq!(left_over(0, 0).verdict(), []);
    left_over(2, 0).breaks(Promise::Presence, "2 connections are stored");
    left_over(0, 1).breaks(Promise::Presence, "1 people are told to be online");
}

#[test]
fn frame_that_is_not_described_is_detected() {
    let mut story = Story::default();
    story.add(0, Event::Undescribed { frame: "{}".to_owned(), why: "null is not described".to_owned() });
    story.breaks(Promise::Contract, "a frame is not described: null is not described");
}

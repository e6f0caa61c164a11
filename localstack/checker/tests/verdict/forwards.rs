//! Forwards and mentions in a group. Client 0 owns it.

use checker::{
    history::{Answer, Message, Request},
    verify::Promise,
};

use crate::story::{ROOM, Story, ack, done, edit, edited, message, refused, tombstone};

fn group() -> Story {
    let mut story = Story::default();
    story.group(3);
    story.send(0, "a", message("a", 1, 1));
    story
}

fn forward() -> Request {
    Request::Forward { room: ROOM, message: "a".into(), client_id: "b".into() }
}

fn forwarded(text: &str) -> Message {
    Message { forwarded_from: Some(7), ..edited("b", 2, 2, text) }
}

#[test]
fn a_forward_has_the_text_of_its_source_and_its_writer() {
    let mut story = group();
    story.call(1, forward(), ack(forwarded("a")));
    story.call(1, forward(), Answer::Ack { message: forwarded("a"), dup: Some(true) });
    story.delete(0, "a", tombstone("a", 1, 3));
    story.call(1, forward(), Answer::Ack { message: forwarded("a"), dup: Some(true) });
    assert_eq!(story.verdict(), []);
}

#[test]
fn forward_with_another_text_is_detected() {
    let mut story = group();
    story.call(1, forward(), ack(forwarded("other")));
    story.breaks(Promise::NothingLost, "shows a text at rev 2 that nobody wrote");
}

#[test]
fn forward_that_does_not_name_its_writer_is_detected() {
    let mut story = group();
    story.call(1, forward(), ack(Message { forwarded_from: None, ..forwarded("a") }));
    story.breaks(Promise::Protocol, "says that it is forwarded from None, not Some(7)");
}

#[test]
fn forward_of_a_message_that_is_there_may_not_be_refused() {
    let mut story = group();
    story.call(1, forward(), refused(404, "message_not_found"));
    story.breaks(Promise::Protocol, "404 message_not_found");
}

fn calling(mentions: &[u64]) -> Message {
    Message { mentions: mentions.into(), ..edited("a", 1, 2, "hello @p1") }
}

#[test]
fn a_text_mentions_the_members_whom_it_calls() {
    let mut story = group();
    story.edit(0, "a", "hello @p1", calling(&[11]));
    assert_eq!(story.verdict(), []);
    let mut story = group();
    story.edit(0, "a", "hello @p1", calling(&[]));
    story.breaks(Promise::Protocol, "calls person 1 by name, and does not mention them");
    let mut story = group();
    story.edit(0, "a", "hello @p1", calling(&[11, 12]));
    story.breaks(Promise::Protocol, "mentions person 2, whom its author does not call");
}

#[test]
fn mention_of_somebody_who_left_is_detected() {
    let mut story = group();
    story.call(1, Request::Leave { room: ROOM }, done());
    story.edit(0, "a", "hello @p1", calling(&[11]));
    story.breaks(Promise::Protocol, "mentions person 1, who was not in the group");
    let mut story = group();
    story.call(1, Request::Leave { room: ROOM }, done());
    story.edit(0, "a", "hello @p1", calling(&[]));
    story.call(1, edit("a", "x"), refused(404, "message_not_found"));
    assert_eq!(story.verdict(), []);
}

#[test]
fn a_forward_mentions_nobody() {
    let mut story = group();
    story.edit(0, "a", "hello @p1", calling(&[11]));
    story.call(1, forward(), ack(Message { rev: 3, ..forwarded("hello @p1") }));
    assert_eq!(story.verdict(), []);
    let mut story = group();
    story.edit(0, "a", "hello @p1", calling(&[11]));
    story.call(1, forward(), ack(Message { rev: 3, mentions: [11].into(), ..forwarded("hello @p1") }));
    story.breaks(Promise::Protocol, "mentions person 1, whom its author does not call");
}

//! Files of messages. Client 0 owns the group.

use checker::{
    history::{Answer, Message, Purpose, Request},
    verify::Promise,
};

use crate::story::{ROOM, Story, ack, delete, done, edit, edited, message, refused, tombstone, unknown};

/// A group in which client 0 sent message `a` with file `f`.
fn group() -> Story {
    let mut story = Story::default();
    story.group(3);
    story.call(0, send("a"), ack(with_file("a", 1, 1)));
    story
}

fn send(name: &str) -> Request {
    Request::Send { room: ROOM, client_id: name.into(), content: name.into(), file: Some("f".into()) }
}

fn with_file(name: &str, seq: u64, rev: u64) -> Message {
    Message { files: ["f".into()].into(), ..message(name, seq, rev) }
}

fn link(room: u64) -> Request {
    Request::Link { room, message: "a".into(), file: "f".into() }
}

#[test]
fn file_stays_with_its_message_until_it_is_deleted() {
    let mut story = group();
    story.call(0, send("a"), Answer::Ack { message: with_file("a", 1, 1), dup: Some(true) });
    story.edit(0, "a", "x", Message { content: "x".into(), ..with_file("a", 1, 2) });
    story.call(1, link(ROOM), Answer::Linked(true));
    story.call(1, link(ROOM + 1), Answer::Linked(false));
    story.call(0, send("b"), refused(409, "upload_taken"));
    let forward = Request::Forward { room: ROOM, message: "a".into(), client_id: "c".into() };
    story.call(1, forward, refused(422, "invalid_fields"));
    story.delete(0, "a", tombstone("a", 1, 3));
    story.call(1, link(ROOM), Answer::Linked(false));
    story.call(0, send("b"), refused(422, "invalid_fields"));
    let rows = [tombstone("a", 1, 3)];
    story.end(&[&rows, &rows]);
    assert_eq!(story.verdict(), []);
}

#[test]
fn file_in_two_messages_is_detected() {
    let mut story = group();
    story.call(0, send("b"), ack(with_file("b", 2, 2)));
    story.breaks(Promise::SameMessage, "file f is in two messages: a and b");
}

#[test]
fn either_of_two_messages_with_one_file_may_be_refused() {
    let mut story = Story::default();
    let first = story.ask(0, Purpose::Look, send("a"));
    story.call(0, send("b"), ack(with_file("b", 1, 1)));
    story.answer(0, first, refused(409, "upload_taken"));
    assert_eq!(story.verdict(), []);
}

#[test]
fn retry_that_is_refused_for_its_own_file_is_detected() {
    let mut story = group();
    story.call(0, send("b"), refused(409, "upload_taken"));
    story.call(0, send("a"), refused(409, "upload_taken"));
    story.breaks(Promise::SameMessage, "client_id a: an honest retry was refused");
}

#[test]
fn file_that_no_other_message_has_may_not_be_refused() {
    for (status, code) in [(409, "upload_taken"), (409, "upload_not_ready"), (422, "invalid_fields")] {
        let mut story = Story::default();
        story.call(0, send("a"), unknown());
        story.call(0, send("a"), refused(status, code));
        story.breaks(Promise::Protocol, code);
    }
}

#[test]
fn view_without_the_file_is_detected() {
    let mut story = group();
    story.edit(0, "a", "x", edited("a", 1, 2, "x"));
    story.breaks(Promise::NothingLost, "message a was sent with Some(\"f\"), lists []");
}

#[test]
fn view_with_another_file_is_detected() {
    let mut story = group();
    story.list(1, Purpose::Look, vec![Message { files: ["g".into()].into(), ..with_file("a", 1, 1) }], 1);
    story.breaks(Promise::NothingLost, "message a was sent with Some(\"f\"), lists [\"g\"]");
}

#[test]
fn tombstone_that_lists_a_file_is_detected() {
    let mut story = group();
    story.delete(0, "a", Message { files: ["f".into()].into(), ..tombstone("a", 1, 2) });
    story.breaks(Promise::Protocol, "the tombstone of message a lists [\"f\"]");
}

#[test]
fn member_without_a_link_is_detected() {
    let mut story = group();
    story.call(1, link(ROOM), Answer::Linked(false));
    story.breaks(Promise::NothingLost, "person 1 got no link to file f, whose message is there");
    let mut story = group();
    let deletion = story.ask(0, Purpose::Look, delete("a"));
    story.call(1, link(ROOM), Answer::Linked(false));
    story.answer(0, deletion, ack(tombstone("a", 1, 2)));
    assert_eq!(story.verdict(), []);
}

#[test]
fn link_to_the_file_of_a_deleted_message_is_detected() {
    let mut story = group();
    story.delete(0, "a", tombstone("a", 1, 2));
    story.call(0, link(ROOM), Answer::Linked(true));
    story.breaks(Promise::RightsFenced, "got a link to file f, though the message is deleted");
}

#[test]
fn link_for_a_stranger_is_detected() {
    let mut story = group();
    story.call(9, link(ROOM + 1), Answer::Linked(true));
    story.breaks(Promise::RightsFenced, "person 9 got a link to file f, and is not in its room");
}

#[test]
fn link_for_a_member_who_left_is_detected() {
    let mut story = group();
    story.call(1, Request::Leave { room: ROOM }, done());
    story.call(1, link(ROOM), Answer::Linked(false));
    story.call(1, edit("a", "x"), refused(404, "message_not_found"));
    assert_eq!(story.verdict(), []);
    let mut story = group();
    story.call(1, Request::Leave { room: ROOM }, done());
    story.call(1, link(ROOM), Answer::Linked(true));
    story.breaks(Promise::RightsFenced, "was not in the group any more, and was answered");
}

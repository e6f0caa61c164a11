//! Deletions.

use checker::{
    history::{Answer, Message, Purpose, Request},
    verify::Promise,
};

use crate::story::{ROOM, Story, ack, delete, edit, edited, message, refused, send, tombstone, unknown};

/// A message `a` that was sent, and deleted at rev 2.
fn deleted() -> Story {
    let mut story = Story::default();
    story.send(0, "a", message("a", 1, 1));
    story.delete(0, "a", tombstone("a", 1, 2));
    story
}

#[test]
fn a_deleted_message_is_a_tombstone_for_everybody() {
    let mut story = deleted();
    story.list(1, Purpose::Look, vec![tombstone("a", 1, 2)], 2);
    story.delete(0, "a", tombstone("a", 1, 2));
    story.call(0, send("a"), Answer::Ack { message: tombstone("a", 1, 2), dup: Some(true) });
    // Nothing is kept by which its text could be guessed, so another text is no conflict.
    let other = Request::Send { room: ROOM, client_id: "a".into(), content: "other".into(), file: None };
    story.call(0, other, Answer::Ack { message: tombstone("a", 1, 2), dup: Some(true) });
    story.call(0, edit("a", "late"), refused(404, "message_not_found"));
    story.send(0, "b", message("b", 2, 3));
    let rows = [tombstone("a", 1, 2), message("b", 2, 3)];
    story.end(&[&rows, &rows]);
    assert_eq!(story.verdict(), []);
}

#[test]
fn a_tombstone_that_nobody_asked_for_is_detected() {
    let mut story = Story::default();
    story.send(0, "a", message("a", 1, 1));
    story.list(1, Purpose::Look, vec![tombstone("a", 1, 2)], 2);
    story.breaks(Promise::NothingLost, "nobody had asked to delete it");
}

/// The tombstone of a message that its writer withdrew.
fn withdrawn(id: &str, seq: u64, rev: u64) -> Message {
    Message { client_id: Some(format!("withdrawn:{id}").into()), ..tombstone(id, seq, rev) }
}

#[test]
fn message_may_be_withdrawn_and_sent_anew() {
    let mut story = Story::default();
    let call = story.ask(0, Purpose::Look, send("a"));
    let early = Message { client_id: Some("a".into()), content: "a".into(), ..message("x", 1, 1) };
    story.list(1, Purpose::Look, vec![early], 1);
    story.answer(0, call, Answer::Ack { message: message("a", 2, 3), dup: Some(false) });
    let rows = [withdrawn("x", 1, 2), message("a", 2, 3)];
    story.end(&[&rows, &rows]);
    assert_eq!(story.verdict(), []);
}

#[test]
fn withdrawn_message_that_was_acknowledged_is_detected() {
    let mut story = Story::default();
    story.send(0, "a", message("a", 1, 1));
    story.list(1, Purpose::Look, vec![withdrawn("a", 1, 2)], 2);
    story.breaks(Promise::NothingLost, "was acknowledged, and then withdrawn");
}

#[test]
fn withdrawn_message_that_nobody_sent_is_detected() {
    let mut story = Story::default();
    story.list(1, Purpose::Look, vec![withdrawn("a", 1, 2)], 2);
    story.breaks(Promise::SameMessage, "nobody sent it");
}

#[test]
fn a_tombstone_before_anybody_asked_for_it_is_detected() {
    let mut story = Story::default();
    story.send(0, "a", message("a", 1, 1));
    story.list(1, Purpose::Look, vec![tombstone("a", 1, 2)], 2);
    story.delete(0, "a", tombstone("a", 1, 2));
    story.breaks(Promise::NothingLost, "nobody had asked to delete it");
}

#[test]
fn delete_of_unknown_outcome_may_show_its_tombstone() {
    let mut story = Story::default();
    story.send(0, "a", message("a", 1, 1));
    let call = story.ask(0, Purpose::Look, delete("a"));
    story.list(1, Purpose::Look, vec![tombstone("a", 1, 2)], 2);
    story.answer(0, call, Answer::Ack { message: tombstone("a", 1, 3), dup: None });
    assert_eq!(story.verdict(), []);
}

#[test]
fn delete_acknowledged_with_the_text_is_detected() {
    let mut story = Story::default();
    story.send(0, "a", message("a", 1, 1));
    story.delete(0, "a", message("a", 1, 2));
    story.breaks(Promise::NothingLost, "acknowledged with its text");
}

#[test]
fn a_tombstone_with_a_text_is_detected() {
    let mut story = Story::default();
    story.send(0, "a", message("a", 1, 1));
    story.delete(0, "a", Message { content: "a".into(), ..tombstone("a", 1, 2) });
    story.breaks(Promise::NothingLost, "still has its text");
}

#[test]
fn a_text_above_the_tombstone_is_detected() {
    let mut story = deleted();
    story.list(1, Purpose::Look, vec![message("a", 1, 3)], 3);
    story.breaks(Promise::NothingLost, "shows a text at rev 3, but was deleted at rev 2");
}

#[test]
fn a_text_at_the_rev_of_the_tombstone_is_detected() {
    let mut story = deleted();
    story.list(1, Purpose::Look, vec![message("a", 1, 2)], 2);
    story.breaks(Promise::OneOrder, "two texts at rev 2");
}

#[test]
fn edit_overtaken_by_a_delete_may_not_restore_the_text() {
    let mut story = Story::default();
    story.send(0, "a", message("a", 1, 1));
    let call = story.ask(0, Purpose::Look, edit("a", "late"));
    story.delete(0, "a", tombstone("a", 1, 2));
    story.answer(0, call, Answer::Ack { message: edited("a", 1, 3, "late"), dup: None });
    story.breaks(Promise::NothingLost, "shows a text at rev 3");
}

#[test]
fn edit_overtaken_by_a_delete_may_be_answered_with_the_tombstone() {
    let mut story = Story::default();
    story.send(0, "a", message("a", 1, 1));
    let call = story.ask(0, Purpose::Look, edit("a", "new"));
    story.delete(0, "a", tombstone("a", 1, 3));
    story.answer(0, call, Answer::Ack { message: tombstone("a", 1, 4), dup: None });
    story.end(&[&[tombstone("a", 1, 4)]]);
    assert_eq!(story.verdict(), []);
}

#[test]
fn an_edit_after_a_delete_must_be_refused() {
    let mut story = deleted();
    story.call(0, edit("a", "late"), Answer::Ack { message: tombstone("a", 1, 3), dup: None });
    story.breaks(Promise::NothingLost, "began after the message was seen deleted");
}

#[test]
fn edit_after_a_seen_tombstone_must_be_refused() {
    let mut story = Story::default();
    story.send(0, "a", message("a", 1, 1));
    story.call(0, delete("a"), unknown());
    story.list(1, Purpose::Look, vec![tombstone("a", 1, 2)], 2);
    story.call(0, edit("a", "late"), Answer::Ack { message: tombstone("a", 1, 3), dup: None });
    story.breaks(Promise::NothingLost, "began after the message was seen deleted");
}

#[test]
fn delete_acknowledged_at_an_older_rev_is_detected() {
    let mut story = deleted();
    story.delete(0, "a", tombstone("a", 1, 1));
    story.breaks(Promise::NothingLost, "acknowledged at rev 1, after one at rev 2");
}

#[test]
fn acknowledged_delete_that_is_undone_is_detected() {
    let mut story = deleted();
    story.end(&[&[message("a", 1, 1)]]);
    story.breaks(Promise::NothingLost, "is at rev 1 at the end");
}

#[test]
fn a_message_that_nobody_deleted_is_found() {
    let mut story = Story::default();
    story.send(0, "a", message("a", 1, 1));
    story.call(0, edit("a", "new"), refused(404, "message_not_found"));
    story.breaks(Promise::Protocol, "404 message_not_found");
}

#[test]
fn a_delete_does_not_excuse_its_own_refusal() {
    let mut story = Story::default();
    story.send(0, "a", message("a", 1, 1));
    story.call(0, delete("a"), refused(404, "message_not_found"));
    story.breaks(Promise::Protocol, "404 message_not_found");
}

#[test]
fn an_edit_that_races_with_a_delete_may_be_refused() {
    let mut story = Story::default();
    story.send(0, "a", message("a", 1, 1));
    let call = story.ask(0, Purpose::Look, edit("a", "new"));
    let gone = story.ask(1, Purpose::Look, delete("a"));
    story.answer(0, call, refused(404, "message_not_found"));
    story.answer(1, gone, unknown());
    assert_eq!(story.verdict(), []);
}

#[test]
fn a_cursor_that_passes_a_tombstone_is_detected() {
    let mut story = deleted();
    story.sync(1, 1, vec![], 2, 2);
    story.breaks(Promise::NothingMissed, "passes message a at rev 2");
}

#[test]
fn deleted_message_keeps_its_sequence_number() {
    let mut story = deleted();
    let call = story.begin(0, "b");
    story.answer(0, call, ack(message("b", 1, 3)));
    story.breaks(Promise::OneOrder, "two messages have seq 1");
}

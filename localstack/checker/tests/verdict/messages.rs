//! Messages: identity, order, texts, coverage, the end.

use checker::{
    history::{Answer, Event, Message, Purpose, Request},
    verify::Promise,
};

use crate::story::{ROOM, Story, ack, edited, message};

/// Two messages, one edit, a reader that follows frames and syncs: nothing wrong with it.
#[test]
fn an_honest_history_has_no_violation() {
    let mut story = Story::default();
    story.list(1, Purpose::Follow, vec![], 0);
    story.send(0, "a", message("a", 1, 1));
    story.add(1, Event::Pushed(message("a", 1, 1)));
    let lost = story.begin(0, "b");
    story.answer(0, lost, Answer::Unknown("reset".to_owned()));
    let again = story.begin(0, "b");
    story.answer(0, again, Answer::Ack { message: message("b", 2, 2), dup: Some(true) });
    story.edit(0, "a", "new", edited("a", 1, 3, "new"));
    story.sync(1, 1, vec![message("b", 2, 2), edited("a", 1, 3, "new")], 3, 3);
    let rows = [edited("a", 1, 3, "new"), message("b", 2, 2)];
    story.list(1, Purpose::Look, rows.to_vec(), 3);
    story.add(1, Event::Settled { room: ROOM, cursor: 3 });
    story.end(&[&rows, &rows]);
    assert_eq!(story.verdict(), []);
}

#[test]
fn acknowledged_message_that_is_gone_is_detected() {
    let mut story = Story::default();
    story.send(0, "a", message("a", 1, 1));
    story.end(&[&[], &[]]);
    story.breaks(Promise::NothingLost, "is not there at the end");
}

#[test]
fn acknowledged_edit_that_is_gone_is_detected() {
    let mut story = Story::default();
    story.send(0, "a", message("a", 1, 1));
    story.edit(0, "a", "new", edited("a", 1, 2, "new"));
    story.end(&[&[message("a", 1, 1)]]);
    story.breaks(Promise::NothingLost, "at rev 1 at the end");
}

#[test]
fn an_older_text_at_a_newer_revision_is_a_lost_edit() {
    let mut story = Story::default();
    story.send(0, "a", message("a", 1, 1));
    story.edit(0, "a", "new", edited("a", 1, 2, "new"));
    story.end(&[&[message("a", 1, 3)]]);
    story.breaks(Promise::NothingLost, "had been acknowledged at rev 2");
}

#[test]
fn an_edit_with_an_open_outcome_may_still_come() {
    let mut story = Story::default();
    story.send(0, "a", message("a", 1, 1));
    let open = story.ask(0, Purpose::Look, Request::Edit { room: ROOM, message: "a".into(), content: "late".into() });
    story.answer(0, open, Answer::Unknown("reset".to_owned()));
    story.edit(0, "a", "new", edited("a", 1, 3, "new"));
    story.end(&[&[edited("a", 1, 4, "late")]]);
    assert_eq!(story.verdict(), []);
}

#[test]
fn acknowledged_edit_that_did_not_happen_is_detected() {
    let mut story = Story::default();
    story.send(0, "a", message("a", 1, 1));
    story.edit(0, "a", "new", message("a", 1, 2));
    story.breaks(Promise::NothingLost, "with an older text");
}

#[test]
fn two_texts_at_one_revision_are_detected() {
    let mut story = Story::default();
    story.send(0, "a", message("a", 1, 1));
    story.edit(0, "a", "new", edited("a", 1, 2, "new"));
    story.list(1, Purpose::Look, vec![message("a", 1, 2)], 2);
    story.breaks(Promise::OneOrder, "two texts at rev 2");
}

#[test]
fn a_text_that_nobody_wrote_is_detected() {
    let mut story = Story::default();
    story.send(0, "a", message("a", 1, 1));
    story.list(1, Purpose::Look, vec![edited("a", 1, 2, "?")], 2);
    story.breaks(Promise::NothingLost, "nobody wrote");
}

#[test]
fn a_message_that_nobody_sent_is_detected() {
    let mut story = Story::default();
    story.list(1, Purpose::Look, vec![message("ghost", 1, 1)], 1);
    story.breaks(Promise::SameMessage, "nobody sent it");
}

#[test]
fn one_client_id_as_two_messages_is_detected() {
    let mut story = Story::default();
    story.send(0, "a", message("a", 1, 1));
    story.list(1, Purpose::Look, vec![message("a", 1, 1), Message { id: "twin".into(), ..message("a", 2, 2) }], 2);
    story.breaks(Promise::SameMessage, "is two messages");
}

#[test]
fn a_retry_that_is_told_it_is_new_is_detected() {
    let mut story = Story::default();
    story.send(0, "a", message("a", 1, 1));
    story.send(0, "a", message("a", 1, 1));
    story.breaks(Promise::SameMessage, "not told that it is a dup");
}

#[test]
fn an_honest_retry_that_conflicts_is_detected() {
    let mut story = Story::default();
    story.send(0, "a", message("a", 1, 1));
    let again = story.begin(0, "a");
    story.answer(0, again, Answer::Refused { status: 409, code: "client_id_reused".to_owned() });
    story.breaks(Promise::SameMessage, "refused as a conflict");
}

#[test]
fn another_body_under_a_client_id_must_be_refused() {
    let mut story = Story::default();
    story.send(0, "a", message("a", 1, 1));
    let other = story.ask(
        0,
        Purpose::Look,
        Request::Send { room: ROOM, client_id: "a".into(), content: "other".into(), file: None },
    );
    story.answer(0, other, Answer::Ack { message: message("a", 1, 1), dup: Some(true) });
    story.breaks(Promise::SameMessage, "another body");
}

#[test]
fn a_refused_honest_request_is_detected() {
    let mut story = Story::default();
    let call = story.begin(0, "a");
    story.answer(0, call, Answer::Refused { status: 404, code: "room_not_found".to_owned() });
    story.breaks(Promise::Protocol, "404 room_not_found");
}

#[test]
fn a_sequence_number_that_changes_is_detected() {
    let mut story = Story::default();
    story.send(0, "a", message("a", 1, 1));
    story.list(1, Purpose::Look, vec![message("a", 2, 1)], 1);
    story.breaks(Promise::OneOrder, "changed its seq");
}

#[test]
fn two_messages_with_one_sequence_number_are_detected() {
    let mut story = Story::default();
    story.send(0, "a", message("a", 1, 1));
    story.send(0, "b", message("b", 1, 2));
    story.breaks(Promise::OneOrder, "two messages have seq 1");
}

#[test]
fn lower_sequence_number_after_an_ack_is_detected() {
    let mut story = Story::default();
    story.send(0, "a", message("a", 2, 1));
    story.send(0, "b", message("b", 1, 2));
    story.breaks(Promise::OneOrder, "had been acknowledged");
}

#[test]
fn sends_at_the_same_time_may_have_either_order() {
    let mut story = Story::default();
    let call = story.begin(0, "b");
    story.send(1, "a", message("a", 2, 2));
    story.answer(0, call, ack(message("b", 1, 1)));
    assert_eq!(story.verdict(), []);
}

#[test]
fn page_without_an_acknowledged_message_is_detected() {
    let mut story = Story::default();
    story.send(0, "a", message("a", 1, 1));
    story.list(1, Purpose::Look, vec![], 0);
    story.breaks(Promise::NothingMissed, "the page lacks message a");
}

#[test]
fn a_page_that_shows_an_older_revision_is_detected() {
    let mut story = Story::default();
    story.send(0, "a", message("a", 1, 1));
    story.edit(0, "a", "new", edited("a", 1, 2, "new"));
    story.list(1, Purpose::Look, vec![message("a", 1, 1)], 1);
    story.breaks(Promise::NothingMissed, "at rev 2 or higher");
}

#[test]
fn a_page_that_is_not_in_order_is_detected() {
    let mut story = Story::default();
    story.send(0, "a", message("a", 1, 1));
    story.send(0, "b", message("b", 2, 2));
    story.list(1, Purpose::Look, vec![message("b", 2, 2), message("a", 1, 1)], 2);
    story.breaks(Promise::OneOrder, "not sorted by seq");
}

#[test]
fn cursor_beyond_a_later_acknowledged_change_is_detected() {
    let mut story = Story::default();
    let call = story.begin(0, "a");
    story.sync(1, 0, vec![], 1, 1);
    story.answer(0, call, ack(message("a", 1, 1)));
    story.breaks(Promise::NothingMissed, "the sync's cursor 1 passes message a at rev 1");
}

#[test]
fn cursor_may_pass_a_change_moved_by_a_newer_one_in_flight() {
    let mut story = Story::default();
    story.send(0, "a", message("a", 1, 1));
    let call = story.ask(0, Purpose::Look, Request::Edit { room: ROOM, message: "a".into(), content: "new".into() });
    story.sync(1, 0, vec![], 1, 2);
    story.answer(0, call, Answer::Ack { message: edited("a", 1, 2, "new"), dup: None });
    story.sync(1, 1, vec![edited("a", 1, 2, "new")], 2, 2);
    assert_eq!(story.verdict(), []);
}

#[test]
fn a_head_that_falls_is_detected() {
    let mut story = Story::default();
    story.sync(1, 0, vec![], 2, 2);
    story.sync(1, 0, vec![], 1, 1);
    story.breaks(Promise::NothingMissed, "head 1 after another had answered 2");
}

#[test]
fn cursor_beyond_a_missing_message_is_detected() {
    let mut story = Story::default();
    story.list(1, Purpose::Follow, vec![], 0);
    story.send(0, "a", message("a", 1, 1));
    story.send(0, "b", message("b", 2, 2));
    story.add(1, Event::Pushed(message("b", 2, 1)));
    story.add(1, Event::Pushed(message("b", 2, 2)));
    story.breaks(Promise::NothingMissed, "client 1 is at cursor 1, past message a at rev 1");
}

#[test]
fn settled_reader_shows_what_the_room_has() {
    let mut story = Story::default();
    story.list(1, Purpose::Follow, vec![], 0);
    story.send(0, "a", message("a", 1, 1));
    story.add(1, Event::Settled { room: ROOM, cursor: 0 });
    story.end(&[&[message("a", 1, 1)]]);
    story.breaks(Promise::NothingMissed, "it shows nothing");
}

#[test]
fn a_reader_that_never_settles_is_detected() {
    let mut story = Story::default();
    story.list(1, Purpose::Follow, vec![], 0);
    story.send(0, "a", message("a", 1, 1));
    story.end(&[&[message("a", 1, 1)]]);
    story.breaks(Promise::NothingMissed, "never caught up");
}

#[test]
fn a_room_that_reads_differently_is_detected() {
    let mut story = Story::default();
    story.send(0, "a", message("a", 1, 1));
    story.end(&[&[message("a", 1, 1)], &[message("a", 1, 2)]]);
    story.breaks(Promise::NothingMissed, "differ at message a");
}

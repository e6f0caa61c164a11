//! Sessions that end. A client's session has the client's number.

use checker::{
    history::{Answer, Page, Purpose, Request, SyncPage, Window},
    verify::Promise,
};

use crate::story::{ROOM, Story, ack, message, refused, send, unknown};

const LOGOUT: Request = Request::Logout { room: ROOM };
const CONNECT: Request = Request::Connect { room: ROOM };
const LIST: Request = Request::List { room: ROOM, window: Window::Newest, limit: 5 };

fn logged_out() -> Story {
    let mut story = Story::default();
    story.call(0, LOGOUT, Answer::Done);
    story
}

#[test]
fn a_session_that_ended_is_refused_or_not_answered() {
    let mut story = logged_out();
    story.call(0, send("a"), refused(401, "unauthenticated"));
    story.call(0, send("a"), Answer::Unknown("connection_unknown".to_owned()));
    story.call(0, CONNECT, unknown());
    story.call(1, CONNECT, Answer::Connected);
    story.send(1, "a", message("a", 1, 1));
    assert_eq!(story.verdict(), []);
}

#[test]
fn call_begun_before_the_logout_may_be_answered_after_it() {
    let mut story = Story::default();
    let sent = story.begin(0, "a");
    let opened = story.ask(0, Purpose::Look, CONNECT);
    let refusal = story.ask(0, Purpose::Look, LIST);
    let over = story.ask(0, Purpose::Look, LOGOUT);
    story.answer(0, refusal, refused(401, "unauthenticated"));
    story.answer(0, over, Answer::Done);
    story.answer(0, sent, ack(message("a", 1, 1)));
    story.answer(0, opened, Answer::Connected);
    assert_eq!(story.verdict(), []);
}

#[test]
fn logout_of_unknown_outcome_may_have_ended_the_session() {
    let mut story = Story::default();
    story.call(0, LOGOUT, unknown());
    story.send(0, "a", message("a", 1, 1));
    story.call(0, LOGOUT, refused(401, "unauthenticated"));
    assert_eq!(story.verdict(), []);
}

#[test]
fn every_answer_to_a_session_that_ended_is_detected() {
    let page = Page { items: vec![], has_before: false, has_after: false, cursor: 0 };
    let synced = SyncPage { items: vec![], cursor: 0, head: 0, more: false };
    let calls = [
        (send("a"), ack(message("a", 1, 1))),
        (LIST, Answer::Page(page)),
        (Request::Sync { room: ROOM, after: 0, limit: 5 }, Answer::Synced(synced)),
        (Request::Read { room: ROOM, seq: 0 }, Answer::Read { read_seq: 0, unread: 0 }),
        (Request::Block { room: ROOM }, Answer::Done),
        (LOGOUT, Answer::Done),
        (CONNECT, Answer::Connected),
    ];
    for (request, answer) in calls {
        let mut story = logged_out();
        story.call(0, request, answer);
        story.breaks(Promise::RightsFenced, "a session that had ended was answered");
    }
}

#[test]
fn another_refusal_of_a_session_that_ended_is_detected() {
    let mut story = logged_out();
    story.call(0, send("a"), refused(403, "recipient_unavailable"));
    story.breaks(Promise::RightsFenced, "was told more than that: 403");
}

#[test]
fn a_session_that_nobody_ended_is_good() {
    let mut story = logged_out();
    story.call(1, LIST, refused(401, "unauthenticated"));
    story.breaks(Promise::Protocol, "401 unauthenticated");
}

#[test]
fn a_first_logout_is_not_refused() {
    let mut story = Story::default();
    story.call(0, LOGOUT, refused(401, "unauthenticated"));
    story.breaks(Promise::Protocol, "401 unauthenticated");
}

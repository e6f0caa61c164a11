//! What devices are notified of. Client 1 has device `d1`, and sends nothing unless a test says so.

use std::time::Duration;

use checker::{
    history::{Answer, Event, Message, Notice, Request, System},
    verify::Promise,
};

use crate::story::{ROOM, Story, done, message, unknown};

const KICK: Request = Request::Kick { room: ROOM, of: 1 };
const ADD: Request = Request::Add { room: ROOM, of: 1 };
const BLOCK: Request = Request::Block { room: ROOM };
const LOGOUT: Request = Request::Logout { room: ROOM };
/// Longer than anything may still be under way.
const LONG: Duration = Duration::from_secs(24);
/// Not so long.
const SHORT: Duration = Duration::from_secs(22);

fn register() -> Request {
    Request::Register { room: ROOM, device: "d1".into() }
}

fn pair() -> Story {
    let mut story = Story::default();
    story.call(1, register(), done());
    story
}

fn group() -> Story {
    let mut story = Story::default();
    story.group(3);
    story.call(1, register(), done());
    story
}

fn notice(message: &str) -> Notice {
    let (device, message) = ("d1".into(), Some(message.into()));
    Notice { device, room: ROOM, message, is_alert: true, badge: None, collapse_id: "c".into() }
}

fn notified(story: &mut Story, message: &str) {
    story.add(0, Event::Notified(notice(message)));
}

fn cleared(story: &mut Story) {
    story.add(0, Event::Notified(Notice { message: None, is_alert: false, ..notice("") }));
}

#[test]
fn device_is_notified_of_what_another_person_sent() {
    for mut story in [pair(), group()] {
        story.send(0, "a", message("a", 1, 1));
        notified(&mut story, "a");
        cleared(&mut story);
        assert_eq!(story.verdict(), []);
    }
}

#[test]
fn device_that_nobody_registered_is_detected() {
    let mut story = Story::default();
    story.send(0, "a", message("a", 1, 1));
    notified(&mut story, "a");
    story.breaks(Promise::Protocol, "device d1 is notified, which nobody registered");
}

#[test]
fn notification_of_what_nobody_else_sent_is_detected() {
    let mut story = pair();
    story.send(1, "a", message("a", 1, 1));
    notified(&mut story, "a");
    story.breaks(Promise::Protocol, "person 1 is notified of their message a");

    let mut story = pair();
    notified(&mut story, "a");
    story.breaks(Promise::Protocol, "which the room does not have");

    let mut story = pair();
    story.send(0, "a", Message { room: ROOM + 1, ..message("a", 1, 1) });
    notified(&mut story, "a");
    story.breaks(Promise::Protocol, "which the room does not have");

    let mut story = pair();
    notified(&mut story, "a");
    story.send(0, "a", message("a", 1, 1));
    story.breaks(Promise::Protocol, "before anybody sent it");
}

#[test]
fn only_who_was_added_is_notified_of_a_system_message() {
    for (kind, of, is_right) in [("member_added", 11, true), ("member_added", 12, false), ("member_kicked", 11, false)]
    {
        let mut story = group();
        let system = System { kind: kind.into(), of: Some(of), by: 10 };
        let row = Message { content: "".into(), client_id: None, system: Some(Box::new(system)), ..message("a", 1, 1) };
        story.add(2, Event::Pushed(row));
        notified(&mut story, "a");
        let found = story.verdict();
        let is_found = found.iter().any(|(_, what)| what.contains(&format!("notified of {kind}")));
        assert_eq!(is_found, !is_right, "{kind} {of}: {found:#?}");
    }
}

#[test]
fn removed_member_is_notified_of_earlier_messages_for_a_moment() {
    for (wait, is_right) in [(SHORT, true), (LONG, false)] {
        let mut story = group();
        story.send(0, "a", message("a", 1, 1));
        story.call(0, KICK, done());
        story.wait(wait);
        notified(&mut story, "a");
        if is_right {
            assert_eq!(story.verdict(), []);
        } else {
            story.breaks(Promise::RightsFenced, "person 1 is notified of message a and was not in the group");
        }
    }
}

#[test]
fn removed_member_who_is_notified_of_what_was_sent_later_is_detected() {
    let mut story = group();
    story.call(0, KICK, done());
    story.send(0, "a", message("a", 1, 1));
    notified(&mut story, "a");
    story.breaks(Promise::RightsFenced, "person 1 is notified of message a and was not in the group");

    // Of unknown outcome, or undone meanwhile, it may not be so any more.
    for (kick, add) in [(unknown(), None), (done(), Some(unknown()))] {
        let mut story = group();
        story.call(0, KICK, kick);
        story.send(0, "a", message("a", 1, 1));
        if let Some(answer) = add {
            story.call(0, ADD, answer);
        }
        notified(&mut story, "a");
        assert_eq!(story.verdict(), []);
    }
}

#[test]
fn who_was_removed_may_have_their_devices_cleared() {
    let mut story = group();
    story.call(0, KICK, done());
    story.wait(LONG);
    cleared(&mut story);
    assert_eq!(story.verdict(), []);
}

#[test]
fn notification_across_an_own_block_is_detected() {
    for (blocker, wait, is_right) in [(1, LONG, false), (1, SHORT, true), (0, LONG, true)] {
        let mut story = pair();
        story.send(0, "a", message("a", 1, 1));
        story.call(blocker, BLOCK, done());
        story.wait(wait);
        notified(&mut story, "a");
        if is_right {
            assert_eq!(story.verdict(), []);
        } else {
            story.breaks(Promise::RightsFenced, "person 1 is notified of message a and had blocked its author");
        }
    }
}

#[test]
fn device_of_a_session_that_ended_is_notified_of_earlier_messages_for_a_moment() {
    for (wait, is_right) in [(SHORT, true), (LONG, false)] {
        for alert in [true, false] {
            let mut story = pair();
            story.send(0, "a", message("a", 1, 1));
            story.call(1, LOGOUT, done());
            story.wait(wait);
            if alert {
                notified(&mut story, "a");
            } else {
                cleared(&mut story);
            }
            if is_right {
                assert_eq!(story.verdict(), []);
            } else {
                story.breaks(Promise::RightsFenced, "a device of person 1 is notified though its session has ended");
            }
        }
    }
}

#[test]
fn device_of_a_session_that_ended_before_the_message_is_detected() {
    let mut story = pair();
    story.call(1, LOGOUT, done());
    story.send(0, "a", message("a", 1, 1));
    notified(&mut story, "a");
    story.breaks(Promise::RightsFenced, "a device of person 1 is notified though its session has ended");

    // It may not have ended, or a registration under way has not yet seen that it has.
    for (register_again, logout) in [(false, unknown()), (true, done())] {
        let mut story = pair();
        if register_again {
            story.call(1, register(), unknown());
        }
        story.call(1, LOGOUT, logout);
        story.send(0, "a", message("a", 1, 1));
        notified(&mut story, "a");
        assert_eq!(story.verdict(), []);
    }
}

#[test]
fn second_notification_of_a_message_must_replace_the_first() {
    for (collapse_id, is_right) in [("c", true), ("d", false)] {
        let mut story = pair();
        story.send(0, "a", message("a", 1, 1));
        notified(&mut story, "a");
        story.add(0, Event::Notified(Notice { collapse_id: collapse_id.into(), ..notice("a") }));
        if is_right {
            assert_eq!(story.verdict(), []);
        } else {
            story.breaks(Promise::SameMessage, "shows message a twice");
        }
    }
}

#[test]
fn badge_of_a_notification_is_counted_after_its_message_was_sent() {
    for (badge, is_right) in [(0, false), (1, true), (2, true), (3, false)] {
        let mut story = pair();
        story.send(0, "a", message("a", 1, 1));
        story.send(0, "b", message("b", 2, 2));
        story.add(0, Event::Notified(Notice { badge: Some(badge), ..notice("b") }));
        let found = story.verdict();
        let is_found = found.iter().any(|(_, what)| what.contains("messages show on a device"));
        assert_eq!(is_found, !is_right, "{badge}: {found:#?}");
    }
    // What may have been read counts or not.
    for badge in [0, 1] {
        let mut story = pair();
        story.send(0, "a", message("a", 1, 1));
        story.call(1, Request::Read { room: ROOM, seq: 1 }, Answer::Read { read_seq: 1, unread: 0 });
        story.add(0, Event::Notified(Notice { badge: Some(badge), ..notice("a") }));
        assert_eq!(story.verdict(), []);
    }
}

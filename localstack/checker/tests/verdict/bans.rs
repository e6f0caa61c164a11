//! Bans from a group. Client 0 owns it, and client 2 is an admin.

use checker::{history::Request, verify::Promise};

use crate::story::{ROOM, Story, done, refused, unknown};

const BAN: Request = Request::Ban { room: ROOM, of: 1 };
const UNBAN: Request = Request::Unban { room: ROOM, of: 1 };
const ADD: Request = Request::Add { room: ROOM, of: 1 };

fn group() -> Story {
    let mut story = Story::default();
    story.group(3);
    story.call(0, Request::SetRole { room: ROOM, of: 2, admin: true }, done());
    story
}

#[test]
fn banned_person_comes_back_when_the_ban_is_lifted() {
    let mut story = group();
    story.call(0, BAN, done());
    story.call(2, ADD, refused(409, "user_banned"));
    story.call(1, Request::Join { room: ROOM }, refused(403, "removed_from_room"));
    story.call(2, UNBAN, done());
    story.call(2, ADD, done());
    story.call(1, Request::Leave { room: ROOM }, done());
    assert_eq!(story.verdict(), []);
}

#[test]
fn banned_person_who_is_let_in_is_detected() {
    for (client, entry) in [(2, ADD), (1, Request::Join { room: ROOM })] {
        let mut story = group();
        story.call(0, BAN, done());
        story.call(client, entry, done());
        story.breaks(Promise::RightsFenced, "person 1 was banned, and was let in");
    }
}

#[test]
fn refusal_of_somebody_who_is_not_banned_is_detected() {
    let mut story = group();
    story.call(0, BAN, done());
    story.call(0, UNBAN, done());
    story.call(0, ADD, refused(409, "user_banned"));
    story.breaks(Promise::Protocol, "409 user_banned");
}

#[test]
fn ban_that_is_not_found_is_detected() {
    let mut story = group();
    story.call(0, BAN, unknown());
    story.call(0, UNBAN, refused(404, "member_not_found"));
    assert_eq!(story.verdict(), []);
    let mut story = group();
    story.call(0, BAN, done());
    story.call(0, UNBAN, refused(404, "member_not_found"));
    story.breaks(Promise::Protocol, "404 member_not_found");
}

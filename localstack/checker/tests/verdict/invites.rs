//! Invites to a group. Client 0 owns it, and client 1 is an admin, who makes an invite.

use checker::{
    history::{Answer, Request},
    verify::Promise,
};

use crate::story::{ROOM, Story, done, refused, unknown};

const REVOKE: Request = Request::Revoke { room: ROOM, invite: 5 };

fn group() -> Story {
    let mut story = Story::default();
    story.group(4);
    story.call(0, Request::SetRole { room: ROOM, of: 1, admin: true }, done());
    for client in [2, 3] {
        story.call(client, Request::Leave { room: ROOM }, done());
    }
    story.call(1, Request::Invite { room: ROOM }, Answer::Invited { invite: 5, code: "code".into() });
    story
}

fn join() -> Request {
    Request::JoinBy { room: ROOM, code: "code".into() }
}

fn gone() -> Answer {
    refused(404, "invite_not_found")
}

#[test]
fn an_invite_lets_one_person_in() {
    let mut story = group();
    story.call(2, join(), done());
    story.call(2, join(), done());
    story.call(3, join(), gone());
    assert_eq!(story.verdict(), []);
    let mut story = group();
    story.call(2, join(), done());
    story.call(3, join(), done());
    story.breaks(Promise::RightsFenced, "invite 5 lets one person in, and let in 2");
}

#[test]
fn invite_that_lets_in_after_its_end_is_detected() {
    let demotion = Request::SetRole { room: ROOM, of: 1, admin: false };
    for (client, end) in [(0, REVOKE), (0, demotion), (0, Request::Kick { room: ROOM, of: 1 })] {
        let mut story = group();
        story.call(client, end, done());
        story.call(2, join(), done());
        story.breaks(Promise::RightsFenced, "invite 5 was over, and let person 2 in");
    }
}

#[test]
fn revocation_of_unknown_outcome_may_end_the_invite_or_not() {
    for answer in [done(), gone()] {
        let mut story = group();
        story.call(0, REVOKE, unknown());
        story.call(2, join(), answer);
        assert_eq!(story.verdict(), []);
    }
}

#[test]
fn refusal_of_an_open_invite_is_detected() {
    let mut story = group();
    story.call(2, join(), gone());
    story.breaks(Promise::Protocol, "404 invite_not_found");
}

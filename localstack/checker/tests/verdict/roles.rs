//! Roles in a group. Client 0 owns it.

use std::time::Duration;

use checker::{
    history::{Answer, Request},
    verify::Promise,
};

use crate::story::{ROOM, Story, ack, delete, message, refused, tombstone, unknown};

const PROMOTE: Request = Request::SetRole { room: ROOM, of: 1, admin: true };
const DEMOTE: Request = Request::SetRole { room: ROOM, of: 1, admin: false };
const KICK: Request = Request::Kick { room: ROOM, of: 2 };

fn group() -> Story {
    let mut story = Story::default();
    story.group(3);
    story.send(2, "a", message("a", 1, 1));
    story
}

fn deleted() -> Answer {
    Answer::Ack { message: tombstone("a", 1, 2), dup: None }
}

#[test]
fn admins_act_as_staff_until_they_are_demoted() {
    let mut story = group();
    story.call(1, KICK, refused(403, "not_permitted"));
    story.call(0, PROMOTE, Answer::Done);
    story.call(1, delete("a"), deleted());
    story.call(1, KICK, Answer::Done);
    story.call(0, DEMOTE, Answer::Done);
    story.call(1, KICK, refused(403, "not_permitted"));
    story.call(
        1,
        Request::Send { room: ROOM, client_id: "b".into(), content: "b".into(), file: None },
        ack(message("b", 2, 3)),
    );
    assert_eq!(story.verdict(), []);
}

#[test]
fn members_who_act_as_staff_are_detected() {
    for demoted in [false, true] {
        for (request, answer) in [(KICK, Answer::Done), (delete("a"), deleted())] {
            let mut story = group();
            if demoted {
                story.call(0, PROMOTE, Answer::Done);
                story.call(0, DEMOTE, Answer::Done);
            }
            story.call(1, request, answer);
            story.breaks(Promise::RightsFenced, "person 1 is no admin");
        }
    }
}

#[test]
fn promotion_of_unknown_outcome_may_follow_the_demotion_for_a_while() {
    let demoted = |wait: u64| {
        let mut story = group();
        story.call(0, PROMOTE, unknown());
        story.wait(Duration::from_secs(wait));
        story.call(0, DEMOTE, Answer::Done);
        story.call(1, KICK, Answer::Done);
        story
    };
    assert_eq!(demoted(0).verdict(), []);
    demoted(20).breaks(Promise::RightsFenced, "person 1 is no admin");
}

#[test]
fn authors_delete_their_own_messages() {
    let mut story = group();
    story.call(2, delete("a"), deleted());
    assert_eq!(story.verdict(), []);
}

#[test]
fn refusal_of_the_owner_is_detected() {
    let mut story = group();
    story.call(0, KICK, refused(403, "not_permitted"));
    story.breaks(Promise::Protocol, "403 not_permitted");
}

#[test]
fn former_owner_who_changes_roles_is_detected() {
    let transfer = |of| Request::Transfer { room: ROOM, of };
    let mut story = group();
    story.call(0, transfer(1), Answer::Done);
    story.call(0, PROMOTE, refused(403, "not_permitted"));
    story.call(1, Request::Leave { room: ROOM }, refused(409, "owner_must_transfer"));
    story.call(1, transfer(0), Answer::Done);
    story.call(1, KICK, Answer::Done);
    story.call(0, DEMOTE, Answer::Done);
    assert_eq!(story.verdict(), []);
    let mut story = group();
    story.call(0, transfer(1), Answer::Done);
    story.call(0, DEMOTE, Answer::Done);
    story.breaks(Promise::RightsFenced, "person 0 does not own the group any more");
}

#[test]
fn refusal_of_the_owner_after_a_transfer_back_is_detected() {
    let mut story = group();
    story.call(0, Request::Transfer { room: ROOM, of: 1 }, Answer::Done);
    story.call(1, Request::Transfer { room: ROOM, of: 0 }, Answer::Done);
    story.call(0, PROMOTE, refused(403, "not_permitted"));
    story.breaks(Promise::Protocol, "403 not_permitted");
}

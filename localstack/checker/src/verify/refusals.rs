//! Refusals: a valid request is refused only for a reason that the history shows.

use super::{
    Promise, Violation, bans,
    facts::{Call, Facts},
    files, invites, members, pins, reactions, rights, roles, sessions, tombstones,
};
use crate::history::{Answer, Request};

pub(super) fn check(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    for call in facts.calls.values() {
        let Some((position, Answer::Refused { status, code })) = call.answered else { continue };
        if !is_honest(facts, call, position, *status, code) {
            let what = format!("an honest request was refused: {status} {code}");
            found.push(facts.room_violation(Promise::Protocol, call.request.room(), &[call.position, position], what));
        }
    }
}

fn is_honest(facts: &Facts<'_>, call: &Call<'_>, position: usize, status: u16, code: &str) -> bool {
    match (status, code) {
        // A full bucket is only a delay.
        (429, _) => true,
        (409, "too_many_pins") => pins::may_refuse(facts, call, position),
        (403, "not_permitted") => roles::may_refuse(facts, call, position),
        (409, "owner_must_transfer") => roles::may_own(facts, call, position),
        (409, "user_banned") => bans::may_refuse(facts, call, position),
        (409, "too_many_invites") => invites::may_be_too_many(facts, call),
        (404, "invite_not_found") => invites::may_refuse(facts, call, position),
        (409, "too_many_reactions") => reactions::may_refuse(facts, call, position),
        (409, "upload_taken") => files::may_be_taken(facts, call, position),
        (409, "upload_not_ready") => false,
        (422, "invalid_fields") => files::may_be_invalid(facts, call, position),
        // Whether it is one is a question of identity.
        (409, _) => matches!(call.request, Request::Send { .. } | Request::Forward { .. }),
        (401, _) => sessions::may_refuse(facts, call, position),
        (403, "recipient_unavailable") => rights::may_refuse(facts, call, position),
        (403, "removed_from_room") => members::may_be_kept_out(facts, call, position),
        (404, "room_not_found") => members::may_refuse(facts, call, position),
        (404, "member_not_found") => {
            members::may_be_missing(facts, call, position) || bans::may_be_lifted(facts, call, position)
        }
        (404, "message_not_found") => {
            tombstones::may_refuse(facts, call, position) || members::may_refuse(facts, call, position)
        }
        _ => false,
    }
}

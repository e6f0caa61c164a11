//! Invites: each lets one person in, and none after it was revoked or its maker ceased to be staff.

use super::{
    Promise, Violation,
    facts::{Call, Facts},
    members, roles,
    system::was_made,
};
use crate::history::{Answer, Request, RoomId};

/// How many invites of a group may wait.
const MOST: usize = 100;

/// An invite that was made.
struct Issued<'f, 'h> {
    call: &'f Call<'h>,
    position: usize,
    invite: u64,
    code: &'h str,
}

pub(super) fn check(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    for issued in issued(facts) {
        let room = issued.call.request.room();
        let made: Vec<&Call<'_>> = joins(facts, issued.code).filter(|join| was_made(facts, join)).collect();
        if made.len() > 1 {
            let positions: Vec<usize> = made.iter().map(|join| join.position).collect();
            let what = format!("invite {} lets one person in, and let in {}", issued.invite, made.len());
            found.push(facts.room_violation(Promise::RightsFenced, room, &positions, what));
        }
        let ends = ends(facts, room, &issued);
        if let Some((join, end)) =
            made.iter().find_map(|join| Some((join, ends.iter().find(|end| **end < join.position)?)))
        {
            let what = format!("invite {} was over, and let person {} in", issued.invite, join.by.person);
            found.push(facts.room_violation(Promise::RightsFenced, room, &[*end, join.position], what));
        }
    }
}

fn issued<'f, 'h>(facts: &'f Facts<'h>) -> impl Iterator<Item = Issued<'f, 'h>> {
    facts.calls.values().filter_map(|call| match call.answered {
        Some((position, Answer::Invited { invite, code })) => Some(Issued { call, position, invite: *invite, code }),
        _ => None,
    })
}

fn joins<'f, 'h>(facts: &'f Facts<'h>, wanted: &'f str) -> impl Iterator<Item = &'f Call<'h>> {
    facts.calls.values().filter(move |call| matches!(call.request, Request::JoinBy { code, .. } if **code == *wanted))
}

/// Where it was answered that the invite is over, or that its maker is no staff any more.
fn ends(facts: &Facts<'_>, room: RoomId, issued: &Issued<'_, '_>) -> Vec<usize> {
    let maker = issued.call.by.person;
    let revoked = facts.calls.values().filter_map(|call| match call.request {
        Request::Revoke { invite, .. } if *invite == issued.invite => call.done(),
        _ => None,
    });
    let no_staff = roles::fences(facts, room, maker).into_iter().chain(members::fences(facts, room, maker));
    revoked.chain(no_staff.map(|fence| fence.from).filter(|from| *from > issued.position)).collect()
}

/// Whether an invite may have been refused at a position: it may have been used or revoked, or its maker may be no staff any more.
pub(super) fn may_refuse(facts: &Facts<'_>, call: &Call<'_>, position: usize) -> bool {
    let Request::JoinBy { room, code } = call.request else { return matches!(call.request, Request::Revoke { .. }) };
    let Some(issued) = issued(facts).find(|issued| *issued.code == **code) else { return true };
    let maker = issued.call.by.person;
    let is_used = joins(facts, code).any(|other| other.position < position && other.position != call.position);
    is_used
        || facts.calls.range(..position).any(|(_, other)| match other.request {
            Request::Revoke { invite, .. } => *invite == issued.invite,
            Request::SetRole { of, admin: false, .. } => *of == maker,
            _ => false,
        })
        || facts.exits(*room, maker).any(|exit| exit.position < position)
}

/// Whether a group may have as many invites as it can.
pub(super) fn may_be_too_many(facts: &Facts<'_>, call: &Call<'_>) -> bool {
    let earlier = facts.calls.range(..call.position).filter(|(_, other)| other.request == call.request);
    earlier.count() >= MOST
}

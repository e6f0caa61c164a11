//! Bans: while one certainly stands, the person is not let in.

use super::{
    Promise, Violation,
    facts::{Call, Facts},
    rights::Fence,
};
use crate::history::{Request, RoomId};

pub(super) fn check(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    for (room, person) in facts.leavers() {
        for fence in fences(facts, room, person) {
            let let_in = facts.entries(room, person).find_map(|entry| {
                let done = entry.done()?;
                (fence.from < entry.position && done < fence.to).then_some([fence.from, entry.position, done])
            });
            if let Some(positions) = let_in {
                let what = format!("person {person} was banned, and was let in");
                found.push(facts.room_violation(Promise::RightsFenced, room, &positions, what));
            }
        }
    }
}

/// The parts of the history in which a person was certainly banned.
fn fences<'f>(facts: &'f Facts<'_>, room: RoomId, person: usize) -> impl Iterator<Item = Fence> + 'f {
    bans(facts, room, person)
        .filter_map(move |ban| Fence::of(facts, ban, Some(person), || Box::new(lifts(facts, room, person))))
}

fn bans<'f, 'h>(facts: &'f Facts<'h>, room: RoomId, person: usize) -> impl Iterator<Item = &'f Call<'h>> {
    facts.exits(room, person).filter(|exit| matches!(exit.request, Request::Ban { .. }) && exit.may_act())
}

fn lifts<'f, 'h>(facts: &'f Facts<'h>, room: RoomId, person: usize) -> impl Iterator<Item = &'f Call<'h>> {
    let is_lift = move |call: &&Call<'_>| matches!(call.request, Request::Unban { room: other, of } if (*other, *of) == (room, person));
    facts.calls.values().filter(is_lift).filter(|call| call.may_act())
}

/// Whether somebody whom a call adds may have been refused at a position as banned: a ban had been asked for, and was not
/// certainly lifted when the call began.
pub(super) fn may_refuse(facts: &Facts<'_>, call: &Call<'_>, position: usize) -> bool {
    let Request::Add { room, of } = call.request else { return false };
    let is_lifted = |ban: &Call<'_>| {
        let mut later = lifts(facts, *room, *of).filter(|lift| facts.is_over(ban, lift.position));
        later.any(|lift| lift.done().is_some_and(|done| done < call.position))
    };
    bans(facts, *room, *of).take_while(|ban| ban.position < position).any(|ban| !is_lifted(ban))
}

/// Whether a call that lifts a ban may have found none at a position.
pub(super) fn may_be_lifted(facts: &Facts<'_>, call: &Call<'_>, position: usize) -> bool {
    let Request::Unban { room, of } = call.request else { return false };
    !fences(facts, *room, *of).any(|fence| fence.from < call.position && position < fence.to)
}

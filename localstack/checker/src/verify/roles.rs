//! Roles: whoever is no admin any more does nothing that only staff may do, nor the former owner what only owners may do.

use super::{
    Promise, Violation,
    facts::{Call, Facts},
    rights::Fence,
};
use crate::history::{Answer, Request, RoomId};

pub(super) fn check(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    for (room, people) in &facts.groups {
        former_owner(facts, *room, found);
        for member in people.iter().skip(1) {
            let fences = fences(facts, *room, member.person);
            for call in facts.calls.values().filter(|call| call.by.person == member.person) {
                if call.request.room() != *room || !is_for_staff(facts, call) {
                    continue;
                }
                let Some((position, Answer::Ack { .. } | Answer::Done | Answer::Invited { .. })) = call.answered else {
                    continue;
                };
                if let Some(fence) = fences.iter().find(|fence| fence.from < call.position && position < fence.to) {
                    let what = format!("person {} is no admin, and may: {}", member.person, call.request);
                    let positions = [fence.from, call.position, position];
                    found.push(facts.room_violation(Promise::RightsFenced, *room, &positions, what));
                }
            }
        }
    }
}

/// The parts of the history in which a person was certainly no admin.
pub(super) fn fences(facts: &Facts<'_>, room: RoomId, person: usize) -> Vec<Fence> {
    let of = |wanted: bool| {
        facts.calls.values().filter(move |call| match call.request {
            Request::SetRole { room: other, of, admin } => (*other, *of, *admin) == (room, person, wanted),
            // Whoever owned the group stays as an admin.
            Request::Transfer { room: other, of } => (*other, *of, true) == (room, person, wanted),
            _ => false,
        })
    };
    let promotions = || of(true).filter(|call| call.may_act());
    let first = promotions().next().map_or(usize::MAX, |call| call.position);
    let begin = Fence { whose: Some(person), from: 0, to: first };
    let demotions = of(false).filter_map(|call| Fence::of(facts, call, Some(person), || Box::new(promotions())));
    [begin].into_iter().chain(demotions).collect()
}

/// Whether only staff may do it. Authors delete their own messages.
fn is_for_staff(facts: &Facts<'_>, call: &Call<'_>) -> bool {
    match call.request {
        Request::Kick { .. }
        | Request::Ban { .. }
        | Request::Unban { .. }
        | Request::Add { .. }
        | Request::Invite { .. }
        | Request::Revoke { .. }
        | Request::Pin { .. }
        | Request::SetRole { .. }
        | Request::Transfer { .. } => true,
        Request::Delete { message, .. } => facts.stories.get(&**message).is_some_and(|story| {
            let authors = story.sends.iter().filter_map(|send| facts.calls.get(send));
            let mut authors = authors.map(|send| send.by.person).peekable();
            !story.is_withdrawn() && authors.peek().is_some() && authors.all(|author| author != call.by.person)
        }),
        _ => false,
    }
}

/// While a transfer certainly stands, the one who made it changes no roles.
fn former_owner(facts: &Facts<'_>, room: RoomId, found: &mut Vec<Violation>) {
    for transfer in transfers(facts, room) {
        let person = transfer.by.person;
        let lifts = || transfers(facts, room).filter(move |call| is_to(call, person)).filter(|call| call.may_act());
        let Some(fence) = Fence::of(facts, transfer, Some(person), || Box::new(lifts())) else { continue };
        for call in facts.calls.range(fence.from..fence.to).map(|(_, call)| call) {
            let is_owners = matches!(call.request, Request::SetRole { room: other, .. } if *other == room);
            let Some(position) = call.done().filter(|done| is_owners && *done < fence.to) else { continue };
            if call.by.person == person && call.position > fence.from {
                let what = format!("person {person} does not own the group any more, and may: {}", call.request);
                let positions = [fence.from, call.position, position];
                found.push(facts.room_violation(Promise::RightsFenced, room, &positions, what));
            }
        }
    }
}

fn transfers<'f, 'h>(facts: &'f Facts<'h>, room: RoomId) -> impl Iterator<Item = &'f Call<'h>> {
    facts
        .calls
        .values()
        .filter(move |call| matches!(call.request, Request::Transfer { room: other, .. } if *other == room))
}

fn is_to(transfer: &Call<'_>, person: usize) -> bool {
    matches!(transfer.request, Request::Transfer { of, .. } if *of == person)
}

/// Whether another one than at the beginning may own the group when a call was refused at a position.
fn may_be_passed_on(facts: &Facts<'_>, call: &Call<'_>, position: usize) -> bool {
    let room = call.request.room();
    let Some(owner) = facts.groups.get(&room).and_then(|people| people.first()) else { return false };
    let back = |transfer: &Call<'_>| {
        let mut later = transfers(facts, room).filter(|back| is_to(back, owner.person));
        later.any(|back| facts.is_over(transfer, back.position) && back.done().is_some_and(|done| done < call.position))
    };
    transfers(facts, room)
        .filter(|transfer| transfer.position < position && !is_to(transfer, owner.person) && transfer.may_act())
        .any(|transfer| !back(transfer))
}

/// Whether a call that was refused as not permitted may have been: only a group's owner is certainly staff, while they own it.
pub(super) fn may_refuse(facts: &Facts<'_>, call: &Call<'_>, position: usize) -> bool {
    let owner = facts.groups.get(&call.request.room()).and_then(|people| people.first());
    let is_owner = owner.is_some_and(|owner| owner.person == call.by.person);
    is_for_staff(facts, call) && (!is_owner || may_be_passed_on(facts, call, position))
        || matches!(call.request, Request::Delete { .. }) && !is_owner
}

/// Whether a call may have been refused since its person owns the group.
pub(super) fn may_own(facts: &Facts<'_>, call: &Call<'_>, position: usize) -> bool {
    matches!(call.request, Request::Leave { .. }) && may_be_passed_on(facts, call, position)
}

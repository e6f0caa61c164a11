//! Roles: whoever is no admin any more does nothing that only staff may do.

use super::{
    Promise, Violation,
    facts::{Call, Facts},
    rights::Fence,
};
use crate::history::{Answer, Member, Request, RoomId};

pub(super) fn check(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    for (room, people) in &facts.groups {
        for member in people.iter().skip(1) {
            let fences = fences(facts, *room, member.person);
            for call in facts.calls.values().filter(|call| call.by.person == member.person) {
                if call.request.room() != *room || !is_for_staff(facts, call) {
                    continue;
                }
                let Some((position, Answer::Ack { .. } | Answer::Done)) = call.answered else { continue };
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
fn fences(facts: &Facts<'_>, room: RoomId, person: usize) -> Vec<Fence> {
    let of = |wanted: bool| {
        facts.calls.values().filter(move |call| {
            matches!(call.request, Request::SetRole { room: other, of, admin }
                if (*other, *of, *admin) == (room, person, wanted))
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
        Request::Kick { .. } | Request::Add { .. } | Request::Pin { .. } | Request::SetRole { .. } => true,
        Request::Delete { message, .. } => facts.stories.get(&**message).is_some_and(|story| {
            let authors = story.sends.iter().filter_map(|send| facts.calls.get(send));
            let mut authors = authors.map(|send| send.by.person).peekable();
            !story.is_withdrawn() && authors.peek().is_some() && authors.all(|author| author != call.by.person)
        }),
        _ => false,
    }
}

/// Whether a call that was refused as not permitted may have been: only a group's owner is certainly staff.
pub(super) fn may_refuse(facts: &Facts<'_>, call: &Call<'_>) -> bool {
    let owner = facts.groups.get(&call.request.room()).and_then(|people| people.first());
    let is_owner = owner.is_some_and(|Member { person, .. }| *person == call.by.person);
    let may_be_for_staff = matches!(
        call.request,
        Request::Kick { .. }
            | Request::Add { .. }
            | Request::Pin { .. }
            | Request::SetRole { .. }
            | Request::Delete { .. }
    );
    !is_owner && may_be_for_staff
}

//! Members of a group: whoever left or was removed is told nothing that began afterwards.

use std::collections::BTreeMap;

use super::{
    Promise, Violation,
    facts::{Call, Facts, LIVES},
    rights::Fence,
};
use crate::history::{Answer, Event, Message, Request, RoomId};

pub(super) fn check(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    let fences: BTreeMap<(RoomId, usize), Vec<Fence>> =
        facts.leavers().map(|(room, person)| ((room, person), fences(facts, room, person).collect())).collect();
    for call in facts.calls.values() {
        let Some(fences) = fences.get(&(call.request.room(), call.by.person)) else { continue };
        answer(facts, call, fences, found);
    }
    for (position, client, event) in facts.events() {
        let (Some(client), Event::Pushed(message)) = (client, event) else { continue };
        let fences = facts.person(client).and_then(|person| fences.get(&(message.room, person)));
        for fence in fences.into_iter().flatten().filter(|fence| fence.from < position && position < fence.to) {
            if let Some(what) = overheard(facts, message, fence, position) {
                let what = format!("client {client} is not in the group any more, and was pushed {what}");
                found.push(facts.violation(Promise::RightsFenced, &message.id, &[fence.from, position], what));
            }
        }
    }
}

/// The parts of the history in which a person was certainly out.
pub(super) fn fences(facts: &Facts<'_>, room: RoomId, person: usize) -> impl Iterator<Item = Fence> {
    facts
        .exits(room, person)
        .filter_map(move |exit| Fence::of(facts, exit, Some(person), || Box::new(facts.entries(room, person))))
}

/// A call that began while its person was out, and was answered while they still were, was told nothing.
fn answer(facts: &Facts<'_>, call: &Call<'_>, fences: &[Fence], found: &mut Vec<Violation>) {
    let Some((position, answer)) = call.answered else { return };
    // Who is in no group has nothing unread in it.
    if matches!((call.request, answer), (Request::Unread { .. }, Answer::Read { unread: 0, .. })) {
        return;
    }
    let of_group = matches!(
        call.request,
        Request::Kick { .. }
            | Request::Ban { .. }
            | Request::Unban { .. }
            | Request::Add { .. }
            | Request::Revoke { .. }
            | Request::Transfer { .. }
            | Request::React { .. }
    );
    match answer {
        Answer::Ack { .. }
        | Answer::Page(_)
        | Answer::Found { .. }
        | Answer::Synced(_)
        | Answer::Read { .. }
        | Answer::Linked(true)
        | Answer::Invited { .. } => {}
        Answer::Done if of_group => {}
        Answer::Total { .. }
        | Answer::Online(_)
        | Answer::Linked(false)
        | Answer::Done
        | Answer::Connected
        | Answer::Refused { .. }
        | Answer::Unknown(_) => return,
    }
    let fence = fences.iter().find(|fence| fence.from < call.position && position < fence.to);
    if let Some(fence) = fence {
        let what = format!("person {} was not in the group any more, and was answered", call.by.person);
        let positions = [fence.from, call.position, position];
        found.push(facts.room_violation(Promise::RightsFenced, call.request.room(), &positions, what));
    }
}

/// What is wrong with a push to somebody who was out.
fn overheard(facts: &Facts<'_>, message: &Message, fence: &Fence, position: usize) -> Option<String> {
    let id = &message.id;
    if facts.at(position) > facts.at(fence.from) + LIVES {
        return Some(format!("message {id} {} s after that", LIVES.as_secs()));
    }
    let story = facts.stories.get(&**id)?;
    let after = |calls: &[usize]| !calls.is_empty() && calls.iter().all(|call| *call > fence.from);
    if after(&story.sends) {
        return Some(format!("message {id}, which was sent after that"));
    }
    if message.deleted {
        return after(&story.deletes).then(|| format!("the deletion of message {id}, which began after that"));
    }
    let wrote = |position: &usize| match facts.calls.get(position)?.request {
        Request::Edit { content, .. } if *content == message.content => Some(*position),
        _ => None,
    };
    let edits: Vec<usize> = story.edits.iter().filter_map(wrote).collect();
    after(&edits).then(|| format!("an edit of message {id}, which began after that"))
}

/// Whether a call that was refused at a position, as of a room or message that is not the person's to see, may have been: the
/// person may have been put out, and was not certainly let in again when the call began.
pub(super) fn may_refuse(facts: &Facts<'_>, call: &Call<'_>, position: usize) -> bool {
    may_be_out(facts, call.request.room(), call.by.person, call.position, position)
}

/// Whether the person of the call may refuse to be removed: they may be out already.
pub(super) fn may_be_missing(facts: &Facts<'_>, call: &Call<'_>, position: usize) -> bool {
    match call.request {
        Request::Kick { room, of } | Request::SetRole { room, of, .. } | Request::Transfer { room, of } => {
            may_be_out(facts, *room, *of, call.position, position)
        }
        _ => false,
    }
}

/// Whether a person may not join who was refused at a position as having been removed.
pub(super) fn may_be_kept_out(facts: &Facts<'_>, call: &Call<'_>, position: usize) -> bool {
    let (Request::Join { room } | Request::JoinBy { room, .. }) = call.request else { return false };
    let mut exits = facts.exits(*room, call.by.person);
    exits.any(|exit| matches!(exit.request, Request::Kick { .. } | Request::Ban { .. }) && exit.position < position)
        && may_refuse(facts, call, position)
}

fn may_be_out(facts: &Facts<'_>, room: RoomId, person: usize, begun: usize, position: usize) -> bool {
    let exits = facts.exits(room, person).take_while(|exit| exit.position < position).filter(|exit| exit.may_act());
    let is_undone = |exit: &Call<'_>| {
        let mut later = facts.entries(room, person).filter(|entry| facts.is_over(exit, entry.position));
        later.any(|entry| entry.done().is_some_and(|done| done < begun))
    };
    exits.into_iter().any(|exit| !is_undone(exit))
}

//! Blocks: while one stands, neither side writes in the room, both may delete what they wrote; afterwards nobody is refused for it.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Promise, Violation,
    facts::{Call, Facts, Story},
    members,
};
use crate::history::{Request, RoomId};

/// A part of the history in which a block certainly stood, or a person was certainly out of a group.
pub(super) struct Fence {
    /// Who is out; everybody may be fenced by a block.
    pub(super) whose: Option<usize>,
    /// Where that was acknowledged.
    pub(super) from: usize,
    /// Where it was first asked to be otherwise.
    pub(super) to: usize,
}

impl Fence {
    /// The fence that a call's answer began, if nothing that would lift it may have come after it.
    pub(super) fn of<'f, 'h: 'f>(
        facts: &Facts<'_>,
        call: &Call<'_>,
        whose: Option<usize>,
        lifts: impl Fn() -> Box<dyn Iterator<Item = &'f Call<'h>> + 'f>,
    ) -> Option<Self> {
        let from = call.done()?;
        // A lift that was asked for earlier and may act later leaves nothing certain.
        let is_certain =
            lifts().take_while(|lift| lift.position < call.position).all(|lift| facts.is_over(lift, call.position));
        let to = lifts().find(|lift| lift.position > call.position).map_or(usize::MAX, |lift| lift.position);
        (is_certain && from < to).then_some(Self { whose, from, to })
    }

    /// Why nothing passes it.
    pub(super) fn reason(&self) -> &'static str {
        if self.whose.is_some() { "its author was not in the group" } else { "the room was blocked" }
    }
}

pub(super) fn check(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    let fences = fences(facts);
    if fences.is_empty() {
        return;
    }
    acks(facts, &fences, found);
    for story in facts.stories.values().filter(|story| !story.is_withdrawn()) {
        let Some(fences) = fences.get(&story.room) else { continue };
        if let Some((what, position)) = trace(facts, story, fences) {
            found.push(facts.violation(
                Promise::RightsFenced,
                story.id,
                &[fences_around(fences, position), position],
                what,
            ));
        }
    }
}

/// All fences, by room.
fn fences(facts: &Facts<'_>) -> BTreeMap<RoomId, Vec<Fence>> {
    let mut fences: BTreeMap<RoomId, Vec<Fence>> = BTreeMap::new();
    for room in facts.blocked_rooms() {
        fences.entry(room).or_default().extend(block_fences(facts, room));
    }
    for (room, person) in facts.leavers() {
        fences.entry(room).or_default().extend(members::fences(facts, room, person));
    }
    fences
}

/// The parts of the history in which one of two certainly blocked the other.
pub(super) fn block_fences<'f>(facts: &'f Facts<'_>, room: RoomId) -> impl Iterator<Item = Fence> + 'f {
    facts.blocks(room).filter_map(|block| Fence::of(facts, block, None, || Box::new(lifts(facts, block))))
}

/// The same of the blocks that one of them made.
pub(super) fn fences_by<'f>(facts: &'f Facts<'_>, room: RoomId, person: usize) -> impl Iterator<Item = Fence> + 'f {
    let own = facts.blocks(room).filter(move |block| block.by.person == person);
    own.filter_map(|block| Fence::of(facts, block, None, || Box::new(lifts(facts, block))))
}

/// Every call that asked to lift blocks of this one's maker, in order.
fn lifts<'f, 'h>(facts: &'f Facts<'h>, block: &'f Call<'h>) -> impl Iterator<Item = &'f Call<'h>> {
    facts.lifts(block.request.room()).filter(|lift| lift.by.person == block.by.person)
}

/// No send and no edit that began while the room was blocked is acknowledged as new while it still is.
fn acks(facts: &Facts<'_>, fences: &BTreeMap<RoomId, Vec<Fence>>, found: &mut Vec<Violation>) {
    for call in facts.calls.values() {
        let is_new = match (call.request, call.ack()) {
            (Request::Send { .. } | Request::Forward { .. }, Some((_, _, dup))) => dup != Some(true),
            (Request::Edit { .. }, Some(_)) => true,
            _ => false,
        };
        let (Some((position, message, _)), Some(fences)) = (call.ack(), fences.get(&call.request.room())) else {
            continue;
        };
        if let Some(fence) = within(fences, call.by.person, call.position, position).filter(|_| is_new) {
            let what = format!("a change of message {} was accepted although {}", message.id, fence.reason());
            let positions = [fence.from, call.position, position];
            found.push(facts.violation(Promise::RightsFenced, &message.id, &positions, what));
        }
    }
}

/// What of the message nobody can have made, since everybody who asked for it did so while the room was blocked; and
/// where it was seen.
fn trace(facts: &Facts<'_>, story: &Story<'_>, fences: &[Fence]) -> Option<(String, usize)> {
    let kept_out = |calls: &[usize], seen: usize| {
        let mut calls = calls
            .iter()
            .filter(|position| **position < seen)
            .filter_map(|position| facts.calls.get(position))
            .peekable();
        calls.peek().is_some() && calls.all(|call| is_kept_out(call, seen, fences))
    };
    let id = story.id;
    let first = story.sightings.first()?;
    let reason = fences.first()?.reason();
    if kept_out(&story.sends, first.position) {
        return Some((format!("message {id} was sent while {reason}, and is there"), first.position));
    }
    let mut texts = BTreeSet::from([first.message.text()]);
    for sighting in story.sightings.iter().filter(|sighting| !sighting.message.deleted) {
        let text = sighting.message.text();
        let wrote = |position: &usize| match facts.calls.get(position)?.request {
            Request::Edit { content, .. } if Some(&**content) == text => Some(*position),
            _ => None,
        };
        let edits: Vec<usize> = story.edits.iter().filter_map(wrote).collect();
        if texts.insert(text) && kept_out(&edits, sighting.position) {
            return Some((format!("message {id} shows an edit made while {reason}"), sighting.position));
        }
    }
    None
}

/// Whether all the time in which the call may have made what was seen at a position, the room was blocked.
fn is_kept_out(call: &Call<'_>, seen: usize, fences: &[Fence]) -> bool {
    let end = call.answered.map(|(position, _)| position).filter(|_| !call.is_open());
    within(fences, call.by.person, call.position, end.unwrap_or(seen).min(seen)).is_some()
}

/// The fence in which all of this part of the history lies, for a person.
pub(super) fn within(fences: &[Fence], person: usize, from: usize, to: usize) -> Option<&Fence> {
    fences.iter().find(|fence| fence.whose.is_none_or(|whose| whose == person) && fence.from < from && to < fence.to)
}

fn fences_around(fences: &[Fence], position: usize) -> usize {
    fences.iter().map(|fence| fence.from).filter(|from| *from < position).max().unwrap_or(position)
}

/// Whether a change that was refused at a position for a block may have been: one had been asked for, and was not certainly
/// lifted again when the change began.
pub(super) fn may_refuse(facts: &Facts<'_>, call: &Call<'_>, position: usize) -> bool {
    let is_change = matches!(call.request, Request::Send { .. } | Request::Edit { .. });
    let blocks = facts.blocks(call.request.room()).take_while(|block| block.position < position);
    is_change
        && blocks.filter(|block| block.is_open() || block.done().is_some()).any(|block| {
            !lifts(facts, block)
                .any(|lift| facts.is_over(block, lift.position) && lift.done().is_some_and(|done| done < call.position))
        })
}

//! Pins: what is pinned at the end is what people asked for, and a room has few pinned messages.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Promise, Violation,
    facts::{Call, Facts, Story},
    reactions::{may_act, stands, takes_back},
};
use crate::history::{Message, Request};

/// How many messages of a room may be pinned.
const MOST: usize = 50;

pub(super) fn check(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    for story in facts.stories.values() {
        if let Some((what, position)) = shown(story) {
            found.push(facts.violation(Promise::Protocol, story.id, &[position], what));
        }
    }
    for (room, ways) in &facts.endings {
        let Some((_, rows)) = ways.first() else { continue };
        let pinned = rows.iter().filter(|row| row.pinned).count();
        if pinned > MOST {
            found.push(facts.room_violation(Promise::Protocol, *room, &[], format!("{pinned} messages are pinned")));
        }
        for row in rows.iter().filter(|row| !row.deleted) {
            let Some(story) = facts.stories.get(&*row.id) else { continue };
            if let Some((promise, what)) = wrong(facts, story, row) {
                found.push(facts.violation(promise, story.id, &[], what));
            }
        }
    }
}

fn shown(story: &Story<'_>) -> Option<(String, usize)> {
    let id = story.id;
    let mut revs = BTreeMap::new();
    story.sightings.iter().find_map(|sighting| {
        let Message { rev, deleted, pinned, .. } = *sighting.message;
        let what = if *revs.entry(rev).or_insert(pinned) != pinned {
            format!("message {id} is pinned and not pinned at rev {rev}")
        } else if deleted && pinned {
            format!("message {id} is deleted and pinned")
        } else {
            return None;
        };
        Some((what, sighting.position))
    })
}

/// What is wrong with the pin of a message at the end.
fn wrong(facts: &Facts<'_>, story: &Story<'_>, row: &Message) -> Option<(Promise, String)> {
    let calls: Vec<&Call<'_>> =
        story.pins.iter().filter_map(|position| facts.calls.get(position)).filter(|call| may_act(call)).collect();
    if !row.pinned && stands(facts, &calls, false) {
        return Some((Promise::NothingLost, format!("the pin of message {} was acknowledged and is gone", row.id)));
    }
    let may_be = calls.iter().any(|call| !takes_back(call)) && !stands(facts, &calls, true);
    (row.pinned && !may_be)
        .then(|| (Promise::Protocol, format!("message {} is pinned, which nobody asked for", row.id)))
}

/// Whether a pin that was refused at a position as one too many may have been: so many were asked for.
pub(super) fn may_refuse(facts: &Facts<'_>, call: &Call<'_>, position: usize) -> bool {
    let Request::Pin { room, takes_back: false, .. } = call.request else { return false };
    let pinned: BTreeSet<&str> = facts
        .calls
        .range(..position)
        .filter_map(|(_, call)| match call.request {
            Request::Pin { room: other, message, takes_back: false } if other == room => Some(&**message),
            _ => None,
        })
        .collect();
    pinned.len() > MOST
}

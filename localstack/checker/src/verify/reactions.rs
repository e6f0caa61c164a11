//! Reactions: the counts at the end are what people asked for, a message has few kinds of them, and a deleted one has none.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Promise, Violation,
    facts::{Call, Facts, Story},
};
use crate::history::{Answer, Message, Request};

/// How many emojis a message may have.
const MOST: usize = 20;

pub(super) fn check(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    for story in facts.stories.values() {
        if let Some((what, position)) = shown(story) {
            found.push(facts.violation(Promise::Protocol, story.id, &[position], what));
        }
    }
    for ways in facts.endings.values() {
        for row in ways.first().into_iter().flat_map(|(_, rows)| *rows) {
            let Some(story) = facts.stories.get(&*row.id) else { continue };
            if let Some((promise, what)) = miscounted(facts, story, row) {
                found.push(facts.violation(promise, story.id, &[], what));
            }
        }
    }
}

/// What is wrong with the reactions that somebody was shown, and where.
fn shown(story: &Story<'_>) -> Option<(String, usize)> {
    let id = story.id;
    let mut revs = BTreeMap::new();
    story.sightings.iter().find_map(|sighting| {
        let Message { rev, deleted, reactions, .. } = sighting.message;
        let first = revs.entry(*rev).or_insert(reactions);
        let what = if *first != reactions {
            format!("message {id} shows two counts of reactions at rev {rev}")
        } else if *deleted && !reactions.is_empty() {
            format!("message {id} is deleted and has reactions")
        } else if reactions.len() > MOST {
            format!("message {id} has {} kinds of reactions", reactions.len())
        } else if reactions.iter().any(|(_, count)| *count == 0) {
            format!("message {id} shows a reaction of nobody")
        } else {
            return None;
        };
        Some((what, sighting.position))
    })
}

/// What is wrong with the counts at the end.
fn miscounted(facts: &Facts<'_>, story: &Story<'_>, row: &Message) -> Option<(Promise, String)> {
    if row.deleted {
        return None;
    }
    let mut asked: BTreeMap<(&str, usize), Vec<&Call<'_>>> = BTreeMap::new();
    for call in story.reactions.iter().filter_map(|position| facts.calls.get(position)).filter(|call| may_act(call)) {
        if let Request::React { emoji, .. } = call.request {
            asked.entry((emoji, call.by.person)).or_default().push(call);
        }
    }
    let mut bounds: BTreeMap<&str, (u64, u64)> = row.reactions.iter().map(|(emoji, _)| (&**emoji, (0, 0))).collect();
    for ((emoji, _), calls) in &asked {
        let (least, most) = bounds.entry(emoji).or_default();
        *least += u64::from(stands(facts, calls, false));
        *most += u64::from(calls.iter().any(|call| !takes_back(call)) && !stands(facts, calls, true));
    }
    let id = story.id;
    bounds.into_iter().find_map(|(emoji, (least, most))| {
        let count = row.reactions.iter().find(|(other, _)| **other == *emoji).map_or(0, |(_, count)| *count);
        if count < least {
            let what = format!("message {id} has {count} x {emoji} at the end, but {least} were acknowledged");
            Some((Promise::NothingLost, what))
        } else if count > most {
            Some((Promise::Protocol, format!("message {id} has {count} x {emoji} at the end, but there were {most}")))
        } else {
            None
        }
    })
}

/// Whether one of the calls of this kind was acknowledged, and none of the other kind can have come after it.
pub(super) fn stands(facts: &Facts<'_>, calls: &[&Call<'_>], kind: bool) -> bool {
    let of = |kind: bool| calls.iter().filter(move |call| takes_back(call) == kind);
    let mut acked = of(kind).filter(|call| matches!(call.answered, Some((_, Answer::Ack { .. } | Answer::Done))));
    acked.any(|call| of(!kind).all(|other| other.position < call.position && facts.is_over(other, call.position)))
}

pub(super) fn takes_back(call: &Call<'_>) -> bool {
    matches!(call.request, Request::React { takes_back: true, .. } | Request::Pin { takes_back: true, .. })
}

pub(super) fn may_act(call: &Call<'_>) -> bool {
    call.is_open() || !matches!(call.answered, Some((_, Answer::Refused { .. })))
}

/// Whether a reaction that was refused at a position as one kind too many may have been: so many were asked for.
pub(super) fn may_refuse(facts: &Facts<'_>, call: &Call<'_>, position: usize) -> bool {
    let Request::React { message, takes_back: false, .. } = call.request else { return false };
    let calls = facts.stories.get(&**message).into_iter().flat_map(|story| &story.reactions);
    let earlier = calls.filter(|other| **other < position).filter_map(|other| facts.calls.get(other));
    let emojis = earlier.filter_map(|call| match call.request {
        Request::React { emoji, takes_back: false, .. } => Some(&**emoji),
        _ => None,
    });
    emojis.collect::<BTreeSet<&str>>().len() > MOST
}

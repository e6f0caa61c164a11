//! One `client_id` is one message, and nobody sees a message that nobody sent.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    Promise, Violation,
    facts::{Call, Facts},
};
use crate::history::{Answer, Request, RoomId};

pub(super) fn check(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    for ((room, client_id), positions) in &facts.sends {
        let calls: Vec<&Call<'_>> = positions.iter().filter_map(|position| facts.calls.get(position)).collect();
        one_message(facts, *room, client_id, &calls, found);
        retries(facts, *room, client_id, &calls, found);
    }
    rows(facts, found);
}

/// All acks of a `client_id` name the same message.
fn one_message(facts: &Facts<'_>, room: RoomId, client_id: &str, calls: &[&Call<'_>], found: &mut Vec<Violation>) {
    let names: BTreeSet<(&str, u64)> =
        calls.iter().filter_map(|call| call.ack()).map(|(_, message, _)| (&*message.id, message.seq)).collect();
    if names.len() > 1 {
        let positions: Vec<usize> = calls
            .iter()
            .flat_map(|call| [Some(call.position), call.answered.map(|(position, _)| position)])
            .flatten()
            .collect();
        let what = format!("client_id {client_id} was acknowledged as more than one message: {names:?}");
        found.push(facts.room_violation(Promise::SameMessage, room, &positions, what));
    }
}

/// After an ack, the same request is the same message (`dup`), whatever the sender may still do; another body is refused, unless
/// the message is deleted.
fn retries(facts: &Facts<'_>, room: RoomId, client_id: &str, calls: &[&Call<'_>], found: &mut Vec<Violation>) {
    let Some(first) = calls.first().and_then(|call| body(call)) else { return };
    let seen = facts.names.get(&(room, client_id)).and_then(|id| facts.stories.get(id)?.sightings.first());
    let acked = calls.iter().filter_map(|call| call.ack()).map(|(position, ..)| position).min();
    for call in calls {
        let after_ack = acked.is_some_and(|acked| call.position > acked);
        let what = match call.answered {
            // Of a deleted message nothing is kept that its text could be compared with.
            Some((_, Answer::Ack { message, .. })) if body(call) != Some(first) && !message.deleted => {
                "another body under its client_id was acknowledged"
            }
            Some((_, Answer::Ack { dup, .. })) if after_ack && *dup != Some(true) => {
                "a retry after the ack was not told that it is a dup"
            }
            // An upload that another message took first is another matter than the name.
            Some((_, Answer::Refused { status: 409, code }))
                if body(call) == Some(first)
                    && (code != "upload_taken" || seen.is_some_and(|seen| seen.position < call.position)) =>
            {
                "an honest retry was refused as a conflict"
            }
            // What the sender may not do any more does not undo what was done.
            Some((_, Answer::Refused { status: 403, .. }))
                if body(call) == Some(first) && seen.is_some_and(|seen| seen.position < call.position) =>
            {
                "a retry of what was there already was refused"
            }
            _ => continue,
        };
        let positions: Vec<usize> = calls
            .iter()
            .flat_map(|call| [Some(call.position), call.answered.map(|(position, _)| position)])
            .flatten()
            .collect();
        found.push(facts.room_violation(
            Promise::SameMessage,
            room,
            &positions,
            format!("client_id {client_id}: {what}"),
        ));
    }
}

/// Every row that was ever seen was sent, by its author, and is the only one of its `client_id`.
fn rows(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    let mut owners: BTreeMap<(RoomId, &str), &str> = BTreeMap::new();
    let sent = facts.stories.values().filter(|story| !story.is_system());
    for story in sent {
        let Some(first) = story.sightings.first() else { continue };
        let seen = first.position;
        if story.sends.is_empty() {
            let what = format!("message {} is shown, but nobody sent it", story.id);
            found.push(facts.violation(Promise::SameMessage, story.id, &[seen], what));
            continue;
        }
        if story.sightings.iter().any(|sighting| {
            sighting.message.author != first.message.author || sighting.message.room != first.message.room
        }) {
            let what = format!("message {} changed its author or its room", story.id);
            found.push(facts.violation(Promise::SameMessage, story.id, &[seen], what));
        }
        let name = first.message.client_id.as_deref().filter(|_| !story.is_withdrawn());
        let Some(name) = name else { continue };
        if let Some(other) = owners.insert((story.room, name), story.id) {
            let what = format!("client_id {name} is two messages: {other} and {}", story.id);
            found.push(facts.violation(Promise::SameMessage, story.id, &[seen], what));
        }
    }
}

/// What a retry must say again: the text and the file, or which message is forwarded.
fn body<'h>(call: &Call<'h>) -> Option<(&'h Arc<str>, Option<&'h Arc<str>>)> {
    match call.request {
        Request::Send { content, file, .. } => Some((content, file.as_ref())),
        Request::Forward { message, .. } => Some((message, None)),
        _ => None,
    }
}

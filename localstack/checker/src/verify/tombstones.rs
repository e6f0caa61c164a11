//! Deletions: somebody asked for it, the text is gone, and nothing brings it back.

use super::{
    Promise, Violation,
    facts::{Call, Facts, Story},
};
use crate::history::Request;

pub(super) fn check(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    for story in facts.stories.values() {
        if let Some((what, positions)) = wrong(facts, story) {
            found.push(facts.violation(Promise::NothingLost, story.id, &positions, what));
        }
    }
}

/// What is wrong with the message's tombstone, and where it shows.
fn wrong(facts: &Facts<'_>, story: &Story<'_>) -> Option<(String, Vec<usize>)> {
    let id = story.id;
    let calls =
        |positions: &[usize]| -> Vec<&Call<'_>> { positions.iter().filter_map(|at| facts.calls.get(at)).collect() };
    let deletes = calls(&story.deletes);
    let acked = deletes.iter().filter_map(|call| call.ack()).map(|(position, message, _)| (position, message));
    if let Some((position, message)) = acked.clone().find(|(_, message)| !message.deleted) {
        let what = format!("a delete of message {id} was acknowledged with its text, at rev {}", message.rev);
        return Some((what, vec![position]));
    }
    if story.is_withdrawn() {
        let sends = facts.calls_of(story).filter_map(Call::ack);
        let (position, ..) = sends.into_iter().find(|(_, message, _)| *message.id == *id)?;
        return Some((format!("message {id} was acknowledged, and then withdrawn"), vec![position]));
    }
    let buried = story.buried()?;
    if !deletes.iter().any(|call| call.position < buried) {
        return Some((format!("message {id} is a tombstone, but nobody had asked to delete it"), vec![buried]));
    }
    let tombstones = || story.sightings.iter().filter(|sighting| sighting.message.deleted);
    if let Some(seen) = tombstones().find(|sighting| !sighting.message.content.is_empty()) {
        return Some((format!("the tombstone of message {id} still has its text"), vec![seen.position]));
    }
    // A row is deleted once and for all, and its rev only rises.
    let lowest = tombstones().min_by_key(|sighting| sighting.message.rev)?;
    let alive = story.sightings.iter().find(|seen| !seen.message.deleted && seen.message.rev > lowest.message.rev);
    if let Some(seen) = alive {
        let (rev, dead) = (seen.message.rev, lowest.message.rev);
        let what = format!("message {id} shows a text at rev {rev}, but was deleted at rev {dead}");
        return Some((what, vec![lowest.position, seen.position]));
    }
    let edits = calls(&story.edits);
    let (position, edit) =
        edits.iter().filter_map(|call| Some((call.ack()?.0, call))).find(|(_, call)| call.position > buried)?;
    let what = format!("an edit of message {id} was acknowledged, but it began after the message was seen deleted");
    Some((what, vec![buried, edit.position, position]))
}

/// Whether an edit or a delete that was refused at a position as of an unknown message may have been: another call had been
/// asked to delete it.
pub(super) fn may_refuse(facts: &Facts<'_>, call: &Call<'_>, position: usize) -> bool {
    let (Request::Edit { message, .. }
    | Request::Delete { message, .. }
    | Request::React { message, .. }
    | Request::Forward { message, .. }
    | Request::Pin { message, .. }) = call.request
    else {
        return false;
    };
    let story = facts.stories.get(&**message);
    story.is_some_and(|story| {
        story.is_withdrawn() || story.deletes.iter().any(|delete| *delete < position && *delete != call.position)
    })
}

//! Searches: they find what was said, and show nothing that was not.

use super::{
    Promise, Violation,
    facts::{Call, Facts, Story},
};
use crate::history::{Answer, Message, Request, RoomId};

pub(super) fn check(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    for call in facts.calls.values() {
        let (Request::Search { room, text }, Some((position, Answer::Found { items, whole }))) =
            (call.request, call.answered)
        else {
            continue;
        };
        let positions = [call.position, position];
        if let Some(wrong) = items.iter().find(|item| item.room != *room || !has(item, text)) {
            let what = format!("a search for {text:?} shows message {}, which does not say it", wrong.id);
            found.push(facts.violation(Promise::Protocol, &wrong.id, &positions, what));
        }
        if let Some(story) = facts.stories.values().find(|story| *whole && is_missed(facts, story, call, *room, text)) {
            let what = format!("a search for {text:?} lacks message {}, which says it", story.id);
            found.push(facts.violation(Promise::NothingMissed, story.id, &positions, what));
        }
    }
}

/// Whether a message that certainly said it, from before the search on, is not among what was found.
fn is_missed(facts: &Facts<'_>, story: &Story<'_>, call: &Call<'_>, room: RoomId, text: &str) -> bool {
    let Some((position, Answer::Found { items, .. })) = call.answered else { return false };
    let before = story.sightings.iter().take_while(|sighting| sighting.position < call.position);
    let latest = before.max_by_key(|sighting| sighting.message.rev).map(|sighting| sighting.message);
    let changes = story.edits.iter().chain(&story.deletes).filter_map(|position| facts.calls.get(position));
    let mut under_way = changes.filter(|change| change.position < position && !facts.is_over(change, call.position));
    story.room == room
        && !story.is_system()
        && !story.is_withdrawn()
        && latest.is_some_and(|message| has(message, text))
        && under_way.next().is_none()
        && !items.iter().any(|item| &*item.id == story.id)
}

/// Whether a message says some plain words.
fn has(message: &Message, text: &str) -> bool {
    message.text().is_some_and(|content| content.contains(text))
}

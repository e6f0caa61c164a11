//! Forwards: the text is one that the source had, and the message says who wrote it.

use super::{
    Promise, Violation,
    facts::{Facts, Story},
};
use crate::history::Request;

pub(super) fn check(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    for story in facts.stories.values().filter(|story| !story.is_withdrawn() && !story.is_system()) {
        let Some(first) = story.sightings.iter().find(|sighting| !sighting.message.deleted) else { continue };
        let source = source(facts, story).and_then(|source| source.sightings.first());
        let writer = source.map(|source| source.message.forwarded_from.unwrap_or(source.message.author));
        if first.message.forwarded_from != writer {
            let what = format!(
                "message {} says that it is forwarded from {:?}, not {writer:?}",
                story.id, first.message.forwarded_from
            );
            found.push(facts.violation(Promise::Protocol, story.id, &[first.position], what));
        }
    }
}

/// The message that a message is forwarded from.
fn source<'f, 'h>(facts: &'f Facts<'h>, story: &Story<'h>) -> Option<&'f Story<'h>> {
    story.sends.iter().filter_map(|send| facts.calls.get(send)).find_map(|call| match call.request {
        Request::Forward { message, .. } => facts.stories.get(&**message),
        _ => None,
    })
}

/// Whether a message can have begun with this text, as it is forwarded from one that had it.
pub(super) fn may_have_sent(facts: &Facts<'_>, story: &Story<'_>, text: &str) -> bool {
    let Some(source) = source(facts, story) else { return false };
    let is_seen = source.sightings.iter().any(|sighting| sighting.message.text() == Some(text));
    is_seen
        || facts.calls_of(source).any(|call| match call.request {
            Request::Send { content, .. } | Request::Edit { content, .. } => **content == *text,
            _ => false,
        })
}

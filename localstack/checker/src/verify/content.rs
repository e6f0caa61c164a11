//! Texts: a revision always shows the same one, and an acknowledged edit is superseded only by a higher revision.

use std::collections::BTreeMap;

use super::{
    Promise, Violation,
    facts::{Call, Facts, Story},
    forwards,
};
use crate::history::Request;

pub(super) fn check(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    for story in facts.stories.values().filter(|story| !story.is_system() && !story.is_withdrawn()) {
        let mut texts: BTreeMap<u64, (usize, Option<&str>)> = BTreeMap::new();
        for sighting in &story.sightings {
            let text = sighting.message.text();
            let (position, first) = *texts.entry(sighting.message.rev).or_insert((sighting.position, text));
            if first != text {
                let (first, text) = (quoted(first), quoted(text));
                let what =
                    format!("message {} shows two texts at rev {}: {first} and {text}", story.id, sighting.message.rev);
                found.push(facts.violation(Promise::OneOrder, story.id, &[position, sighting.position], what));
                break;
            }
        }
        let edits: Vec<&Call<'_>> = story.edits.iter().filter_map(|position| facts.calls.get(position)).collect();
        let deletes: Vec<&Call<'_>> = story.deletes.iter().filter_map(|position| facts.calls.get(position)).collect();
        for (rev, (position, text)) in &texts {
            if let Some(what) = text.and_then(|text| wrong(facts, story, &edits, *rev, *position, text)) {
                found.push(facts.violation(Promise::NothingLost, story.id, &[*position], what));
                break;
            }
        }
        reversed(facts, story, &edits, &deletes, found);
        swallowed(facts, story, &edits, &deletes, found);
    }
}

/// Why this text may not stand at this revision, if so.
fn wrong(
    facts: &Facts<'_>,
    story: &Story<'_>,
    edits: &[&Call<'_>],
    rev: u64,
    position: usize,
    text: &str,
) -> Option<String> {
    let sent = story.sends.iter().filter_map(|send| facts.calls.get(send)).find_map(|call| match call.request {
        Request::Send { content, .. } => Some(&**content),
        _ => None,
    });
    let own: Vec<&&Call<'_>> = edits.iter().filter(|call| edit_text(call) == Some(text)).collect();
    let sent_so = sent == Some(text) || forwards::may_have_sent(facts, story, text);
    if !sent_so && !own.iter().any(|call| call.position < position) {
        return Some(format!("message {} shows a text at rev {rev} that nobody wrote: {text:?}", story.id));
    }
    let acks = edits.iter().filter_map(|call| call.ack());
    let texts = acks.filter_map(|(_, message, _)| Some((message.rev, message.text()?)));
    let last = texts.filter(|(acked, _)| *acked <= rev).max()?;
    if last.1 == text
        || own.iter().any(|call| call.is_open() || call.ack().is_some_and(|(_, message, _)| message.rev >= last.0))
    {
        return None;
    }
    Some(format!(
        "message {} shows {text:?} at rev {rev}, but {:?} had been acknowledged at rev {}",
        story.id, last.1, last.0
    ))
}

/// A change that began after another was acknowledged has at least its revision.
fn reversed(
    facts: &Facts<'_>,
    story: &Story<'_>,
    edits: &[&Call<'_>],
    deletes: &[&Call<'_>],
    found: &mut Vec<Violation>,
) {
    let changes = || edits.iter().chain(deletes);
    for call in changes() {
        let Some((position, message, _)) = call.ack() else { continue };
        let before = changes()
            .filter_map(|other| other.ack())
            .filter(|(acked, ..)| *acked < call.position)
            .max_by_key(|(_, other, _)| other.rev);
        if let Some((acked, other, _)) = before
            && other.rev > message.rev
        {
            let what = format!(
                "a change of message {} was acknowledged at rev {}, after one at rev {}",
                story.id, message.rev, other.rev
            );
            found.push(facts.violation(Promise::NothingLost, story.id, &[acked, position], what));
            return;
        }
    }
}

/// The ack of an edit shows its own text, or what another change that was not over when this one began made of it.
fn swallowed(
    facts: &Facts<'_>,
    story: &Story<'_>,
    edits: &[&Call<'_>],
    deletes: &[&Call<'_>],
    found: &mut Vec<Violation>,
) {
    for call in edits {
        let Some((position, message, _)) = call.ack() else { continue };
        let shown = message.text();
        let newer = |other: &&Call<'_>| {
            edit_text(other) == shown && (other.is_open() || other.answered.is_some_and(|(at, _)| at > call.position))
        };
        if edit_text(call) != shown && !edits.iter().chain(deletes).any(newer) {
            let shown = quoted(shown);
            let what = format!("an edit of message {} was acknowledged with an older text, {shown}", story.id);
            found.push(facts.violation(Promise::NothingLost, story.id, &[position], what));
            return;
        }
    }
}

/// What a change makes of the text; a delete makes none of it.
fn edit_text<'h>(call: &Call<'h>) -> Option<&'h str> {
    match call.request {
        Request::Edit { content, .. } => Some(content),
        _ => None,
    }
}

fn quoted(text: Option<&str>) -> String {
    text.map_or_else(|| "a tombstone".to_owned(), |text| format!("{text:?}"))
}

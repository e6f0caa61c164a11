//! Files: an upload is in one message, whoever sees the message sees it, and whoever may read the message gets a link.

use std::collections::BTreeMap;

use super::{
    Promise, Violation,
    facts::{Call, Facts, Story},
    members,
};
use crate::history::{Answer, Request};

pub(super) fn check(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    let mut holders: BTreeMap<&str, &str> = BTreeMap::new();
    for story in facts.stories.values().filter(|story| !story.is_withdrawn()) {
        if let Some((promise, what, position)) = shown(facts, story) {
            found.push(facts.violation(promise, story.id, &[position], what));
        }
        if let Some(file) = file_of(facts, story)
            && let Some(other) = holders.insert(file, story.id)
        {
            let what = format!("file {file} is in two messages: {other} and {}", story.id);
            found.push(facts.violation(Promise::SameMessage, story.id, &[], what));
        }
    }
    for call in facts.calls.values() {
        if let Some((promise, message, what)) = linked(facts, call) {
            let positions = [Some(call.position), call.answered.map(|(position, _)| position)];
            let positions: Vec<usize> = positions.into_iter().flatten().collect();
            found.push(facts.violation(promise, message, &positions, what));
        }
    }
}

/// The file that a message was sent with.
fn file_of<'h>(facts: &Facts<'h>, story: &Story<'h>) -> Option<&'h str> {
    story.sends.iter().filter_map(|send| facts.calls.get(send)).find_map(sent_file)
}

fn sent_file<'h>(call: &Call<'h>) -> Option<&'h str> {
    match call.request {
        Request::Send { file, .. } => file.as_deref(),
        _ => None,
    }
}

/// What is wrong with the files that a message lists, and where it shows.
fn shown(facts: &Facts<'_>, story: &Story<'_>) -> Option<(Promise, String, usize)> {
    let (id, file) = (story.id, file_of(facts, story));
    story.sightings.iter().find_map(|sighting| {
        let files = &sighting.message.files;
        let (promise, what) = if sighting.message.deleted {
            (!files.is_empty()).then(|| (Promise::Protocol, format!("the tombstone of message {id} lists {files:?}")))
        } else {
            let is_right = files.iter().map(|file| &**file).eq(file);
            (!is_right).then(|| (Promise::NothingLost, format!("message {id} was sent with {file:?}, lists {files:?}")))
        }?;
        Some((promise, what, sighting.position))
    })
}

/// What is wrong with the answer to somebody who asked for a link, and of which message.
fn linked<'h>(facts: &Facts<'h>, call: &Call<'h>) -> Option<(Promise, &'h str, String)> {
    let Request::Link { room, message, file } = call.request else { return None };
    let Some((position, Answer::Linked(given))) = call.answered else { return None };
    let story = facts.stories.get(&**message)?;
    let (in_room, person) = (story.room == *room, call.by.person);
    let (promise, why) = if *given {
        let is_gone = story.buried().is_some_and(|buried| buried < call.position);
        let why = if is_gone { Some("though the message is deleted") } else { None };
        (Promise::RightsFenced, why.or((!in_room).then_some("and is not in its room"))?)
    } else {
        let is_there = in_room && story.rev_before(call.position).is_some() && file_of(facts, story) == Some(&**file);
        let may_be_gone = is_ended(story, position) || members::may_refuse(facts, call, position);
        (Promise::NothingLost, (is_there && !may_be_gone).then_some("whose message is there")?)
    };
    let link = if *given { "a link" } else { "no link" };
    Some((promise, story.id, format!("person {person} got {link} to file {file}, {why}")))
}

/// Whether a message may be deleted, or withdrawn, at a position.
fn is_ended(story: &Story<'_>, position: usize) -> bool {
    story.is_withdrawn() || story.deletes.iter().any(|delete| *delete < position)
}

/// Whether a file that was refused at a position as another message's may be that: another one was asked for, or the message had
/// been there for a moment.
pub(super) fn may_be_taken(facts: &Facts<'_>, call: &Call<'_>, position: usize) -> bool {
    let Request::Send { client_id, file: Some(file), .. } = call.request else { return false };
    let is_other = |other: &Call<'_>| match other.request {
        Request::Send { client_id: name, file: Some(same), .. } => same == file && name != client_id,
        _ => false,
    };
    facts.calls.range(..position).any(|(_, other)| is_other(other)) || was_sent(facts, file, Story::is_withdrawn)
}

/// Whether a request may be invalid for its file, which went with another message, or with this one after it was withdrawn; files
/// are not forwarded.
pub(super) fn may_be_invalid(facts: &Facts<'_>, call: &Call<'_>, position: usize) -> bool {
    match call.request {
        Request::Send { file: Some(file), .. } => was_sent(facts, file, |story| is_ended(story, position)),
        Request::Forward { message, .. } => {
            facts.stories.get(&**message).is_some_and(|story| file_of(facts, story).is_some())
        }
        _ => false,
    }
}

/// Whether a file was sent in such a message.
fn was_sent<'h>(facts: &Facts<'h>, file: &str, is_such: impl Fn(&Story<'h>) -> bool) -> bool {
    let has = |send: &usize| facts.calls.get(send).and_then(sent_file) == Some(file);
    facts.stories.values().any(|story| is_such(story) && story.sends.iter().any(has))
}

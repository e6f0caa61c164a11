//! Mentions: a text mentions the members whom it names, and nobody who was out when it was written.

use super::{
    Promise, Violation,
    facts::{Call, Facts, Story},
    members,
    rights::{Fence, within},
};
use crate::history::{Member, Message, Request};

pub(super) fn check(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    for (room, people) in &facts.groups {
        let fences: Vec<Vec<Fence>> =
            people.iter().map(|member| members::fences(facts, *room, member.person).collect()).collect();
        for story in facts.stories.values().filter(|story| story.room == *room && !story.is_withdrawn()) {
            let wrong = story.sightings.iter().filter(|sighting| !sighting.message.deleted).find_map(|sighting| {
                let mut members = people.iter().zip(&fences);
                let what = members.find_map(|(member, fences)| {
                    wrong(facts, story, sighting.message, sighting.position, member, fences)
                });
                Some((what?, sighting.position))
            });
            if let Some((what, position)) = wrong {
                found.push(facts.violation(Promise::Protocol, story.id, &[position], what));
            }
        }
    }
}

/// What is wrong with the mention of a person, or with its lack, in a message that was seen at a position.
fn wrong(
    facts: &Facts<'_>,
    story: &Story<'_>,
    message: &Message,
    position: usize,
    member: &Member,
    fences: &[Fence],
) -> Option<String> {
    let Message { id, content, mentions, .. } = message;
    let is_mentioned = mentions.contains(&member.id);
    let is_called = content.split_whitespace().any(|word| word.strip_prefix('@') == Some(&*member.name));
    let writers: Vec<&Call<'_>> = facts
        .calls_of(story)
        .filter(|call| match call.request {
            Request::Send { content: text, .. } | Request::Edit { content: text, .. } => text == content,
            _ => false,
        })
        .collect();
    let person = member.person;
    if is_mentioned && (!is_called || writers.is_empty()) {
        return Some(format!("message {id} mentions person {person}, whom its author does not call"));
    }
    let was_out = |call: &&Call<'_>| {
        let end = call.answered.map(|(at, _)| at).filter(|_| !call.is_open()).unwrap_or(position).min(position);
        within(fences, person, call.position, end).is_some()
    };
    if is_mentioned && writers.iter().all(was_out) {
        return Some(format!("message {id} mentions person {person}, who was not in the group"));
    }
    let never_left = facts.exits(story.room, person).all(|exit| exit.position > position);
    (is_called && !is_mentioned && never_left && !writers.is_empty())
        .then(|| format!("message {id} calls person {person} by name, and does not mention them"))
}

//! System messages: each change of a group's members has one, in the order in which they happened, and nothing else has.

use std::collections::BTreeMap;

use super::{
    Promise, Violation,
    facts::{Call, Facts, Story},
};
use crate::history::{Member, Message, Request, RoomId};

/// What a system message says: what happened, to whom, and who did it.
type Key<'h> = (&'h str, Option<u64>, u64);

/// A group's changes and its system messages.
struct Group<'f, 'h> {
    room: RoomId,
    people: &'h [Member],
    /// The calls that may have made a change, by what its message says.
    calls: BTreeMap<Key<'h>, Vec<&'f Call<'h>>>,
    /// The messages by what they say, in the room's order.
    messages: BTreeMap<Key<'h>, Vec<&'f Story<'h>>>,
}

pub(super) fn check(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    for (room, people) in &facts.groups {
        let group = Group::of(facts, *room, people);
        group.invented(facts, found);
        group.reordered(facts, found);
        let Some((_, rows)) = facts.endings.get(room).and_then(|ways| ways.first()) else { continue };
        group.lost(facts, found);
        for member in *people {
            repeated(facts, *room, member, rows, found);
        }
    }
}

impl<'f, 'h> Group<'f, 'h> {
    fn of(facts: &'f Facts<'h>, room: RoomId, people: &'h [Member]) -> Self {
        let mut group = Self { room, people, calls: BTreeMap::new(), messages: BTreeMap::new() };
        for call in facts.calls.values().filter(|call| call.request.room() == room && call.may_act()) {
            if let Some(key) = group.key(call) {
                group.calls.entry(key).or_default().push(call);
            }
        }
        for story in facts.stories.values().filter(|story| story.room == room) {
            let Some(first) = story.sightings.first() else { continue };
            if let Some(system) = &first.message.system {
                let key = (&*system.kind, system.of, system.by);
                group.messages.entry(key).or_default().push(story);
            }
        }
        for messages in group.messages.values_mut() {
            messages.sort_by_key(|story| seq(story));
        }
        group
    }

    /// What the message of a change says.
    fn key(&self, call: &Call<'h>) -> Option<Key<'h>> {
        let id = |person: usize| self.people.iter().find(|member| member.person == person).map(|member| member.id);
        let by = id(call.by.person)?;
        Some(match call.request {
            Request::Kick { of, .. } => ("member_kicked", Some(id(*of)?), by),
            Request::Add { of, .. } => ("member_added", Some(id(*of)?), by),
            Request::SetRole { of, .. } => ("role_changed", Some(id(*of)?), by),
            Request::Ban { of, .. } => ("member_banned", Some(id(*of)?), by),
            Request::Transfer { of, .. } => ("owner_changed", Some(id(*of)?), by),
            Request::Leave { .. } => ("member_left", Some(by), by),
            Request::Join { .. } | Request::JoinBy { .. } => ("member_joined", Some(by), by),
            _ => return None,
        })
    }

    /// No message is there that no call had asked for: each call makes one at the most.
    fn invented(&self, facts: &Facts<'_>, found: &mut Vec<Violation>) {
        for (key, messages) in self.messages.iter().filter(|(key, _)| key.0 != "room_created") {
            let calls = self.calls.get(key).map_or(&[][..], Vec::as_slice);
            let mut seen: Vec<(usize, &str)> =
                messages.iter().filter_map(|story| Some((story.sightings.first()?.position, story.id))).collect();
            seen.sort_unstable();
            for (index, (position, id)) in seen.into_iter().enumerate() {
                if calls.get(index).is_none_or(|call| call.position > position) {
                    let what = format!("message {id} says {}, which nobody did, or is there twice", key.0);
                    found.push(facts.violation(Promise::OneOrder, id, &[position], what));
                    break;
                }
            }
        }
    }

    /// Every change that was certainly made has its message at the end.
    fn lost(&self, facts: &Facts<'_>, found: &mut Vec<Violation>) {
        for (key, calls) in &self.calls {
            let made: Vec<&&Call<'_>> = calls.iter().filter(|call| was_made(facts, call)).collect();
            let there = self.messages.get(key).map_or(0, Vec::len);
            if there < made.len() {
                let what =
                    format!("{} changes {} were answered, and {there} of them have a message", made.len(), key.0);
                let positions: Vec<usize> = made.iter().map(|call| call.position).collect();
                found.push(facts.room_violation(Promise::NothingLost, self.room, &positions, what));
            }
        }
    }

    /// Where each call with the same words was answered before the next one began, and each has its message, the messages are in
    /// the order of the calls, and between the messages that were sent before and after.
    fn reordered(&self, facts: &Facts<'_>, found: &mut Vec<Violation>) {
        let sends = sends(facts, self.room);
        for (key, calls) in &self.calls {
            let Some(messages) = self.messages.get(key).filter(|messages| messages.len() == calls.len()) else {
                continue;
            };
            let is_sequential = calls.windows(2).all(|pair| match pair {
                [one, next] => one.done().is_some_and(|done| done < next.position),
                _ => true,
            });
            if !is_sequential || calls.iter().any(|call| call.is_open()) {
                continue;
            }
            for (call, message) in calls.iter().zip(messages) {
                let Some(answered) = call.done() else { continue };
                let wrong = sends.iter().find(|send| {
                    send.acked < call.position && send.seq > seq(message)
                        || send.begun > answered && send.seq < seq(message)
                });
                if let Some(send) = wrong {
                    let what = format!(
                        "message {} says {} at seq {}, on the wrong side of message {} at seq {}",
                        message.id,
                        key.0,
                        seq(message),
                        send.id,
                        send.seq
                    );
                    let positions = [call.position, answered, send.begun, send.acked];
                    found.push(facts.violation(Promise::OneOrder, message.id, &positions, what));
                    return;
                }
            }
        }
    }
}

/// Whether a call certainly changed something: the person was certainly in, or out, when it began, and no other call can
/// have changed that before it was answered.
pub(super) fn was_made(facts: &Facts<'_>, call: &Call<'_>) -> bool {
    let room = call.request.room();
    let (person, is_exit) = match call.request {
        Request::Kick { of, .. } | Request::Ban { of, .. } => (*of, true),
        Request::Add { of, .. } => (*of, false),
        Request::Leave { .. } => (call.by.person, true),
        Request::Join { .. } | Request::JoinBy { .. } => (call.by.person, false),
        _ => return false,
    };
    let Some(answered) = call.done() else { return false };
    let exits: Vec<&Call<'_>> = facts.exits(room, person).filter(|exit| exit.may_act()).collect();
    let entries: Vec<&Call<'_>> = facts.entries(room, person).collect();
    let (same, opposite) = if is_exit { (exits, entries) } else { (entries, exits) };
    let before = opposite.iter().rev().find(|other| other.position < call.position);
    // The call that brought the person where this one found them; in the beginning everybody is in.
    let from = match before {
        Some(other) => other.done(),
        None if is_exit => Some(0),
        None => None,
    };
    let Some(from) = from.filter(|from| *from <= call.position) else { return false };
    let begun = before.map_or(0, |other| other.position);
    let is_alone = |other: &&Call<'_>| {
        other.position == call.position
            || other.position > answered
            || other.position < begun && facts.is_over(other, begun)
    };
    from <= call.position && same.iter().all(is_alone)
}

/// A send that was acknowledged.
struct Send<'h> {
    id: &'h str,
    seq: u64,
    begun: usize,
    acked: usize,
}

fn sends<'h>(facts: &Facts<'h>, room: RoomId) -> Vec<Send<'h>> {
    let of = |story: &Story<'h>| {
        let begun = *story.sends.first()?;
        let acks = story.sends.iter().filter_map(|send| facts.calls.get(send)?.ack());
        let acked = acks.map(|(position, ..)| position).min()?;
        Some(Send { id: story.id, seq: seq(story), begun, acked })
    };
    facts.stories.values().filter(|story| story.room == room && !story.is_withdrawn()).filter_map(of).collect()
}

/// In the room's order a person goes out and comes in by turns.
fn repeated(facts: &Facts<'_>, room: RoomId, member: &Member, rows: &[Message], found: &mut Vec<Violation>) {
    let mut is_in = true;
    for row in rows {
        let Some(system) = row.system.as_ref().filter(|system| system.of == Some(member.id)) else { continue };
        let comes_in = match &*system.kind {
            "member_added" | "member_joined" => true,
            "member_kicked" | "member_banned" | "member_left" => false,
            _ => continue,
        };
        if comes_in == is_in {
            let what = format!(
                "message {} says {} of person {}, who was {} already in the order of room {room}",
                row.id,
                system.kind,
                member.person,
                if is_in { "in" } else { "out" }
            );
            found.push(facts.violation(Promise::OneOrder, &row.id, &[], what));
            return;
        }
        is_in = comes_in;
    }
}

fn seq(story: &Story<'_>) -> u64 {
    story.sightings.first().map_or(0, |sighting| sighting.message.seq)
}

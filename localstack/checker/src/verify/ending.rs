//! The room when nothing runs any more: everything acknowledged is there once, however it is read.

use std::collections::BTreeMap;

use super::{Promise, Violation, facts::Facts};
use crate::history::{Event, Message, Request, RoomId};

pub(super) fn check(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    let positions: BTreeMap<RoomId, Vec<usize>> =
        facts.events().fold(BTreeMap::new(), |mut positions, (position, _, event)| {
            if let Event::Ending { room, .. } = event {
                positions.entry(*room).or_insert_with(Vec::new).push(position);
            }
            positions
        });
    for (room, ways) in &facts.endings {
        let positions = positions.get(room).map_or(&[][..], Vec::as_slice);
        let Some((first, rows)) = ways.first() else { continue };
        for (way, others) in ways.iter().skip(1) {
            if let Some(id) = difference(rows, others) {
                let what = format!("the room {first} and the room {way} differ at message {id}");
                found.push(facts.violation(Promise::NothingMissed, id, positions, what));
            }
        }
        acknowledged(facts, *room, rows, positions, found);
    }
}

/// Everything that was ever acknowledged, pushed or shown is there, once, no older than it was shown.
fn acknowledged(facts: &Facts<'_>, room: RoomId, rows: &[Message], positions: &[usize], found: &mut Vec<Violation>) {
    let mut present: BTreeMap<&str, Vec<&Message>> = BTreeMap::new();
    for row in rows {
        present.entry(&row.id).or_default().push(row);
    }
    for story in facts.stories.values().filter(|story| story.room == room) {
        let acked = facts.calls_of(story).any(|call| call.ack().is_some());
        let how = if acked { "acknowledged" } else { "shown" };
        let what = match present.get(story.id).map(Vec::as_slice) {
            None => format!("message {} was {how} and is not there at the end", story.id),
            Some([row]) if row.rev < story.top_rev => {
                format!("message {} was {how} at rev {} and is at rev {} at the end", story.id, story.top_rev, row.rev)
            }
            Some([_]) => continue,
            Some(_) => format!("message {} is there more than once at the end", story.id),
        };
        found.push(facts.violation(Promise::NothingLost, story.id, positions, what));
    }
    for call in facts.calls.values().filter(|call| call.request.room() == room) {
        let (change, message) = match call.request {
            Request::Edit { message, .. } => ("an edit", message),
            Request::Delete { message, .. } => ("a delete", message),
            _ => continue,
        };
        if call.ack().is_some() && !present.contains_key(&**message) {
            let what =
                format!("{change} of message {message} was acknowledged, but the message is not there at the end");
            found.push(facts.violation(Promise::NothingLost, message, positions, what));
        }
    }
}

/// The first message that is not the same in both.
fn difference<'h>(one: &'h [Message], other: &'h [Message]) -> Option<&'h str> {
    let longest = one.len().max(other.len());
    (0..longest).find_map(|index| match (one.get(index), other.get(index)) {
        (Some(left), Some(right)) if left == right => None,
        (left, right) => left.or(right).map(|message| &*message.id),
    })
}

//! Sequence numbers: one per message, never changed, in the order of acknowledgement.

use std::collections::BTreeMap;

use super::{Promise, Violation, facts::Facts};
use crate::history::{Answer, Event, Message, Request, RoomId, Window};

pub(super) fn check(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    for story in facts.stories.values() {
        let Some(first) = story.sightings.first() else { continue };
        if let Some(other) = story.sightings.iter().find(|sighting| sighting.message.seq != first.message.seq) {
            let what =
                format!("message {} changed its seq from {} to {}", story.id, first.message.seq, other.message.seq);
            found.push(facts.violation(Promise::OneOrder, story.id, &[first.position, other.position], what));
        }
    }
    for rows in facts.by_seq.values() {
        for (seq, ids) in rows.iter().filter(|(_, ids)| ids.len() > 1) {
            let positions: Vec<usize> = ids
                .iter()
                .filter_map(|id| facts.stories.get(id)?.sightings.first())
                .map(|sighting| sighting.position)
                .collect();
            let what = format!("two messages have seq {seq}: {ids:?}");
            found.push(facts.violation(Promise::OneOrder, ids.first().unwrap_or(&""), &positions, what));
        }
    }
    acks(facts, found);
    pages(facts, found);
}

/// A send that began after another was acknowledged has the higher sequence number.
fn acks(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    let mut acked: BTreeMap<RoomId, Vec<(usize, &Message)>> = BTreeMap::new();
    for call in facts.calls.values() {
        let is_send = matches!(call.request, Request::Send { .. } | Request::Forward { .. });
        if let Some((position, message, _)) = call.ack().filter(|_| is_send) {
            acked.entry(message.room).or_default().push((position, message));
        }
    }
    for acks in acked.values_mut() {
        acks.sort_unstable_by_key(|(position, _)| *position);
        let mut highest: Option<&Message> = None;
        for (_, message) in acks {
            match highest {
                Some(higher) if higher.seq >= message.seq => *message = higher,
                _ => highest = Some(message),
            }
        }
    }
    for story in facts.stories.values().filter(|story| !story.is_withdrawn()) {
        let (Some(begun), Some(seen)) = (story.sends.first(), story.sightings.first()) else { continue };
        let Some(acks) = acked.get(&story.room) else { continue };
        let earlier = acks.partition_point(|(position, _)| position < begun);
        let Some((_, before)) = earlier.checked_sub(1).and_then(|last| acks.get(last)) else { continue };
        if before.seq >= seen.message.seq && *before.id != *story.id {
            let positions: Vec<usize> =
                facts.stories.get(&*before.id).into_iter().flat_map(|other| &other.sends).copied().collect();
            let what = format!(
                "message {} has seq {}, but was sent after {} with seq {} had been acknowledged",
                story.id, seen.message.seq, before.id, before.seq
            );
            found.push(facts.violation(Promise::OneOrder, story.id, &positions, what));
        }
    }
}

/// Pages are sorted and hold what was asked for.
fn pages(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    for call in facts.calls.values() {
        let Some((position, answer)) = call.answered else { continue };
        let what = match (call.request, answer) {
            (Request::List { window, limit, .. }, Answer::Page(page)) => {
                let inside = |seq: u64| match window {
                    Window::Newest | Window::Around(_) => true,
                    Window::Before(bound) => seq < *bound,
                    Window::After(bound) => seq > *bound,
                };
                if !is_sorted(&page.items, |item| item.seq) {
                    "a page is not sorted by seq"
                } else if !page.items.iter().all(|item| inside(item.seq)) || page.items.len() > *limit as usize {
                    "a page holds more than was asked for"
                } else {
                    continue;
                }
            }
            (Request::Sync { after, .. }, Answer::Synced(page)) => {
                if !page.items.is_sorted_by_key(|item| item.rev) {
                    "a sync page is not sorted by rev"
                } else if page.cursor > page.head {
                    "a sync's cursor is above its head"
                } else if page.items.iter().any(|item| item.rev <= *after || item.rev > page.cursor) {
                    "a sync page holds more than was asked for"
                } else {
                    continue;
                }
            }
            _ => continue,
        };
        found.push(facts.room_violation(
            Promise::OneOrder,
            call.request.room(),
            &[call.position, position],
            what.to_owned(),
        ));
    }
    for (position, _, event) in facts.events() {
        if let Event::Ending { room, way, messages } = event
            && !is_sorted(messages, |message| message.seq)
        {
            found.push(facts.room_violation(
                Promise::OneOrder,
                *room,
                &[position],
                format!("the room {way} is not sorted by seq"),
            ));
        }
    }
}

fn is_sorted(items: &[Message], key: impl Fn(&Message) -> u64) -> bool {
    items.windows(2).all(|pair| matches!(pair, [one, next] if key(one) < key(next)))
}

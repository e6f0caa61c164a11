//! Signals: nobody hears of what began after they left the room, or while one of two blocked the other, nor of anything much later.

use super::{
    Promise, Violation,
    facts::{Facts, LIVES},
    members,
    rights::{self, Fence},
};
use crate::history::{Event, Request, Signal, SignalKind};

pub(super) fn check(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    for (position, client, event) in facts.events() {
        let Event::Heard(signal) = event else { continue };
        let Some(listener) = client.and_then(|client| facts.person(client)) else { continue };
        let fences = rights::block_fences(facts, signal.room).chain(members::fences(facts, signal.room, listener));
        let fences = fences.filter(|fence| fence.from < position && position < fence.to);
        for fence in fences {
            if began_after(facts, signal, listener, &fence, position) {
                let what = format!("person {listener} heard of {:?} of {}, {}", signal.kind, signal.of, fence.reason());
                found.push(facts.room_violation(Promise::RightsFenced, signal.room, &[fence.from, position], what));
            }
        }
    }
}

/// Whether everything that the signal can tell of began behind the fence, or long before.
fn began_after(facts: &Facts<'_>, signal: &Signal, listener: usize, fence: &Fence, position: usize) -> bool {
    if facts.at(position) > facts.at(fence.from) + LIVES {
        return true;
    }
    let mut causes = facts
        .calls
        .range(..position)
        .filter(|(_, call)| call.request.room() == signal.room && facts.is_by(call, signal.of, listener))
        .filter(|(_, call)| match signal.kind {
            SignalKind::Typing => matches!(call.request, Request::Typing { .. }),
            SignalKind::Receipt => matches!(call.request, Request::Read { .. } | Request::Delivered { .. }),
        })
        .peekable();
    causes.peek().is_some() && causes.all(|(began, _)| *began > fence.from)
}

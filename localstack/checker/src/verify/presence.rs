//! Presence: when nothing happens any more, whoever is connected is online, and nobody else.

use super::{Promise, Violation, facts::Facts};
use crate::history::Event;

pub(super) fn check(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    for (position, _, event) in facts.events() {
        let Event::Presence { room, of, online, connected } = event else { continue };
        if online != connected {
            let what = if *online {
                format!("person {of} has no connection, and is online for a friend")
            } else {
                format!("person {of} is connected, and is offline for a friend")
            };
            found.push(facts.room_violation(Promise::Presence, *room, &[position], what));
        }
    }
}

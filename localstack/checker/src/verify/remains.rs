//! Long after every connection has ended, none is stored and nobody is told to be online.

use super::{Promise, Violation, facts::Facts};
use crate::history::Event;

pub(super) fn check(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    for (position, _, event) in facts.events() {
        let Event::Remains { connections, online } = event else { continue };
        if *connections > 0 {
            let what = format!("{connections} connections are stored beyond their time");
            found.push(facts.general_violation(Promise::Presence, &[position], what));
        }
        if *online > 0 {
            let what = format!("{online} people are told to be online after the last connection ended");
            found.push(facts.general_violation(Promise::Presence, &[position], what));
        }
    }
}

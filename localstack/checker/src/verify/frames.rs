//! Frames: all of them are described.

use super::{Promise, Violation, facts::Facts};
use crate::history::Event;

pub(super) fn check(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    for (position, _, event) in facts.events() {
        if let Event::Undescribed { why, .. } = event {
            found.push(facts.general_violation(
                Promise::Contract,
                &[position],
                format!("a frame is not described: {why}"),
            ));
        }
    }
}

//! Sessions: an ended session is refused everywhere.

use super::{
    Promise, Violation,
    facts::{Call, Facts},
};
use crate::history::Answer;

pub(super) fn check(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    for call in facts.calls.values() {
        let ends = facts.logouts(call.by.session).filter_map(Call::done).min();
        let Some(end) = ends.filter(|end| *end < call.position) else { continue };
        let Some((position, answer)) = call.answered else { continue };
        let what = match answer {
            Answer::Unknown(_) | Answer::Refused { status: 401 | 429, .. } => continue,
            Answer::Refused { status, code } => {
                format!("a session that had ended was told more than that: {status} {code}")
            }
            _ => format!("a session that had ended was answered: {}", call.request),
        };
        let positions = [call.by.session, end, call.position, position];
        found.push(facts.room_violation(Promise::RightsFenced, call.request.room(), &positions, what));
    }
}

/// Whether a call that was refused at a position for its session may have been: another call had been asked to end it.
pub(super) fn may_refuse(facts: &Facts<'_>, call: &Call<'_>, position: usize) -> bool {
    facts.logouts(call.by.session).any(|other| other.position < position && other.position != call.position)
}

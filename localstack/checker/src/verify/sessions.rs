//! Sessions: one that ended is of no more use, over no door.

use super::facts::{Call, Facts};
use super::{Promise, Violation};
use crate::history::Answer;

pub(super) fn check(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    for call in facts.calls.values() {
        let ends = facts.logouts(call.by.session).filter_map(Call::done).min();
        let Some(end) = ends.filter(|end| *end < call.place) else { continue };
        let Some((place, answer)) = call.answered else { continue };
        let what = match answer {
            Answer::Unknown(_) | Answer::Refused { status: 401 | 429, .. } => continue,
            Answer::Refused { status, code } => {
                format!("a session that had ended was told more than that: {status} {code}")
            }
            _ => format!("a session that had ended was answered: {}", call.request),
        };
        let places = [call.by.session, end, call.place, place];
        found.push(facts.room_violation(Promise::RightsFenced, call.request.room(), &places, what));
    }
}

/// Whether a call that was refused at a place for its session may have been: another call had been asked to end it.
pub(super) fn may_refuse(facts: &Facts<'_>, call: &Call<'_>, place: usize) -> bool {
    facts.logouts(call.by.session).any(|other| other.place < place && other.place != call.place)
}

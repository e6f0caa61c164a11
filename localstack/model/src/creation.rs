//! The room document is made and changed by projections while it is sent to.

use crate::{
    Promise, Rule, Rules, Violation,
    check::{Protocol, Step},
};

/// One bounded world: projections of version 1 and 2 in any order, one of them repeated, and two sends.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    /// The rules that are taken away.
    pub(crate) without: Rules,
}

#[derive(Debug)]
pub(crate) struct Creation(pub(crate) Settings);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Room {
    version: u8,
    seq: u8,
    /// The writers in flight.
    inflight: [bool; 2],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Writer {
    Reserve,
    Insert {
        seq: u8,
    },
    Release {
        seq: u8,
    },
    Done {
        seq: u8,
    },
    /// Its entry was gone, and nobody failed.
    Lost,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    room: Option<Room>,
    /// Which of the versions 1 and 2 were projected.
    projected: [bool; 2],
    may_repeat: bool,
    writers: [Writer; 2],
}

impl Creation {
    fn keeps(&self, rule: Rule) -> bool {
        !self.0.without.contains(rule)
    }

    fn project(&self, room: Option<Room>, version: u8) -> Room {
        let new = Room { version, seq: 0, inflight: [false; 2] };
        match room {
            Some(room) if self.keeps(Rule::ProjectionGuardedByVersion) && room.version >= version => room,
            Some(room) if self.keeps(Rule::ProjectionSetsRightsOnly) => Room { version, ..room },
            _ => new,
        }
    }
}

impl Protocol for Creation {
    type State = State;
    type Event = String;

    fn start(&self) -> State {
        State { room: None, projected: [false; 2], may_repeat: true, writers: [Writer::Reserve; 2] }
    }

    fn steps(&self, state: &State, steps: &mut Vec<Step<State, String>>) {
        for (index, version) in [1, 2].into_iter().enumerate() {
            let repeats = state.projected[index];
            if repeats && !state.may_repeat {
                continue;
            }
            let mut next = *state;
            next.projected[index] = true;
            next.may_repeat &= !repeats;
            next.room = Some(self.project(state.room, version));
            steps.push(Step { event: format!("version {version} is projected"), next });
        }
        let Some(room) = state.room else { return };
        for (index, &writer) in state.writers.iter().enumerate() {
            let mut next = *state;
            let mut changed = room;
            let event = match writer {
                Writer::Reserve => {
                    changed.seq += 1;
                    changed.inflight[index] = true;
                    next.writers[index] = Writer::Insert { seq: changed.seq };
                    format!("writer {index} reserves seq {}", changed.seq)
                }
                Writer::Insert { seq } => {
                    next.writers[index] = Writer::Release { seq };
                    format!("writer {index} inserts seq {seq}")
                }
                Writer::Release { seq } => {
                    changed.inflight[index] = false;
                    next.writers[index] = if room.inflight[index] { Writer::Done { seq } } else { Writer::Lost };
                    format!("writer {index} releases seq {seq}")
                }
                Writer::Done { .. } | Writer::Lost => continue,
            };
            next.room = Some(changed);
            steps.push(Step { event, next });
        }
    }

    fn violation(&self, state: &State) -> Option<Violation> {
        let inserted = state.writers.map(|writer| match writer {
            Writer::Release { seq } | Writer::Done { seq } => Some(seq),
            Writer::Reserve | Writer::Insert { .. } | Writer::Lost => None,
        });
        if inserted[0].is_some() && inserted[0] == inserted[1] {
            return Some(Violation::new(Promise::OneOrder, "two messages with one seq"));
        }
        if state.writers.contains(&Writer::Lost) {
            return Some(Violation::new(Promise::NothingMissed, "an entry in flight is gone, and nobody failed"));
        }
        let all_projected = state.projected == [true; 2] && !state.may_repeat;
        let is_old = state.room.is_some_and(|room| room.version != 2);
        (all_projected && is_old).then(|| Violation::new(Promise::RightsEnd, "the rights of version 2 are gone"))
    }
}

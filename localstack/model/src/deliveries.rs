//! Pushes after the answer, the notes about them, and the sweeper's tries: two writers change one message.

use crate::{
    Promise, Rule, Rules, Violation,
    check::{Protocol, Step},
};

/// How often the sweeper pushes one change again.
const MOST_TRIES: u8 = 2;

/// One bounded world.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The rules that are taken away.
    pub(crate) without: Rules,
    /// Writers that die after their answer.
    pub(crate) crash: u8,
    /// Pushes of writers that fail. Those of the sweeper may always fail.
    pub(crate) fails: u8,
}

impl Default for Settings {
    fn default() -> Self {
        Self { without: Rules::NONE, crash: 1, fails: 2 }
    }
}

#[derive(Debug)]
pub(crate) struct Deliveries(pub(crate) Settings);

/// Which of the two changes are included, by bit.
type Changes = u8;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Writer {
    Write,
    Push { rev: u8, image: Changes },
    Note { rev: u8, pushed: bool },
    Ended,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Sweeper {
    Idle,
    Push { rev: u8, image: Changes, tries: u8 },
    Note { rev: u8, image: Changes, tries: u8, pushed: bool },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    rev: u8,
    /// What the row includes.
    image: Changes,
    /// The tries so far, while the row is pending.
    pending: Option<u8>,
    writers: [Writer; 2],
    pushed: Changes,
    /// What the sweeper left to `sync`.
    given_up: Changes,
    given_up_untried: bool,
    crashes: u8,
    fails: u8,
    sweeper: Sweeper,
    /// Sweeps of the latest change.
    sweeps: u8,
}

impl Deliveries {
    fn keeps(&self, rule: Rule) -> bool {
        !self.0.without.contains(rule)
    }

    /// Whether a note of this `rev` meets its row.
    fn meets(&self, state: &State, rev: u8, guard: Rule) -> bool {
        state.pending.is_some() && (state.rev == rev || !self.keeps(guard))
    }

    fn writer_steps(&self, state: &State, index: usize, step: &mut impl FnMut(String, State)) {
        let with = |writer| {
            let mut next = *state;
            next.writers[index] = writer;
            next
        };
        let writer = state.writers[index];
        if state.crashes > 0 && matches!(writer, Writer::Push { .. } | Writer::Note { .. }) {
            let next = State { crashes: state.crashes - 1, ..with(Writer::Ended) };
            step(format!("writer {index} dies after its answer"), next);
        }
        match writer {
            Writer::Write => {
                let (rev, image) = (state.rev + 1, state.image | 1 << index);
                let carried = if self.keeps(Rule::NewChangeCountsAnew) { 0 } else { state.pending.unwrap_or(0) };
                let next = State { rev, image, pending: Some(carried), sweeps: 0, ..with(Writer::Push { rev, image }) };
                step(format!("writer {index} writes rev {rev}, pending, and answers"), next);
            }
            Writer::Push { rev, image } => {
                let next = with(Writer::Note { rev, pushed: true });
                step(format!("writer {index} pushes rev {rev}"), State { pushed: state.pushed | image, ..next });
                if state.fails > 0 {
                    let next = with(Writer::Note { rev, pushed: false });
                    let event = format!("writer {index}: a push of rev {rev} fails");
                    step(event, State { fails: state.fails - 1, ..next });
                }
            }
            Writer::Note { rev, pushed } if pushed || !self.keeps(Rule::ClearOnlyWhenAllPushed) => {
                let mut next = with(Writer::Ended);
                if self.meets(state, rev, Rule::ClearGuardedByRev) {
                    next.pending = None;
                }
                step(format!("writer {index} clears the note of rev {rev}"), next);
            }
            Writer::Note { rev, .. } => {
                let mut next = with(Writer::Ended);
                if self.meets(state, rev, Rule::NoteGuardedByRev) {
                    let tries = state.pending.unwrap_or(0) + 1;
                    next.pending = (tries <= MOST_TRIES).then_some(tries);
                    if next.pending.is_none() {
                        next.given_up |= state.image;
                        next.given_up_untried |= state.sweeps == 0;
                    }
                }
                step(format!("writer {index} notes that a push of rev {rev} failed"), next);
            }
            Writer::Ended => (),
        }
    }

    fn sweeper_steps(&self, state: &State, step: &mut impl FnMut(String, State)) {
        let with = |sweeper| State { sweeper, ..*state };
        match state.sweeper {
            Sweeper::Idle => {
                let Some(tries) = state.pending else { return };
                let tries = tries + 1;
                let next = with(Sweeper::Push { rev: state.rev, image: state.image, tries });
                let event = format!("the sweeper reads rev {}, try {tries}", state.rev);
                step(event, State { sweeps: state.sweeps + 1, ..next });
            }
            Sweeper::Push { rev, image, tries } => {
                let noted = |pushed| with(Sweeper::Note { rev, image, tries, pushed });
                let next = State { pushed: state.pushed | image, ..noted(true) };
                step(format!("the sweeper pushes rev {rev}"), next);
                step(format!("the sweeper: a push of rev {rev} fails"), noted(false));
            }
            Sweeper::Note { rev, image, tries, pushed } => {
                let is_last = pushed || tries >= MOST_TRIES;
                let guard = if is_last { Rule::ClearGuardedByRev } else { Rule::NoteGuardedByRev };
                let mut next = with(Sweeper::Idle);
                if self.meets(state, rev, guard) {
                    let carried = if self.keeps(Rule::TriesCarriedOver) { tries } else { 0 };
                    next.pending = (!is_last).then_some(carried);
                    if is_last && !pushed {
                        next.given_up |= image;
                    }
                }
                let event = match (pushed, is_last) {
                    (true, _) => "the sweeper clears the note",
                    (false, true) => "the sweeper gives up",
                    (false, false) => "the sweeper notes the failure",
                };
                step(event.into(), next);
            }
        }
    }
}

impl Protocol for Deliveries {
    type State = State;
    type Event = String;

    fn start(&self) -> State {
        State {
            rev: 0,
            image: 0,
            pending: None,
            writers: [Writer::Write; 2],
            pushed: 0,
            given_up: 0,
            given_up_untried: false,
            crashes: self.0.crash,
            fails: self.0.fails,
            sweeper: Sweeper::Idle,
            sweeps: 0,
        }
    }

    fn steps(&self, state: &State, steps: &mut Vec<Step<State, String>>) {
        let mut step = |event, next| steps.push(Step { event, next });
        for index in 0..state.writers.len() {
            self.writer_steps(state, index, &mut step);
        }
        self.sweeper_steps(state, &mut step);
    }

    fn violation(&self, state: &State) -> Option<Violation> {
        if state.sweeps > MOST_TRIES + 1 {
            let what = format!("one change is pushed again and again: sweep {}", state.sweeps);
            return Some(Violation::new(Promise::TriesEnd, what));
        }
        let is_quiet = state.writers.iter().all(|&writer| writer == Writer::Ended);
        if state.pending.is_some() || state.sweeper != Sweeper::Idle || !is_quiet {
            return None;
        }
        if state.image & !(state.pushed | state.given_up) != 0 {
            let what = "an answered change was never pushed, nothing is pending and nobody gave up";
            return Some(Violation::new(Promise::NothingMissed, what));
        }
        let what = "given up without one try by the sweeper";
        state.given_up_untried.then(|| Violation::new(Promise::NothingMissed, what))
    }
}

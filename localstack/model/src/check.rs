//! Explores a protocol with `stateright` until a promise is broken or nothing is left to explore.

use std::{
    fmt::{Debug, Display},
    hash::Hash,
    panic::resume_unwind,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use stateright::{Checker, HasDiscoveries, Model, Property, UniformChooser};

use crate::Violation;

/// A protocol in a bounded world.
pub(crate) trait Protocol: Send + Sync + Sized + 'static {
    type State: Clone + Debug + Hash + PartialEq + Send + Sync;
    /// What happens in one step; it reads as a sentence.
    type Event: Clone + Debug + Display + PartialEq;

    fn start(&self) -> Self::State;

    /// Adds everything that can happen next.
    fn steps(&self, state: &Self::State, steps: &mut Vec<Step<Self::State, Self::Event>>);

    fn violation(&self, state: &Self::State) -> Option<Violation>;
}

/// What can happen next, and the state after it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Step<State, Event> {
    pub(crate) event: Event,
    pub(crate) next: State,
}

/// How a state space is explored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Search {
    /// Every state, breadth first: the first counterexample is a shortest one.
    Exhaustive,
    /// Random walks until this many states were seen, for bounds that are too large to exhaust.
    Walks(usize),
}

/// How far a check is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Distinct states so far.
    pub states: usize,
    /// The longest path so far, in states.
    pub depth: usize,
    /// Time since the start.
    pub time: Duration,
}

/// What a check found.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Distinct states; all states on the way for random walks.
    pub states: usize,
    /// The longest path, in states.
    pub depth: usize,
    /// How long it took.
    pub time: Duration,
    /// The broken promise, if there is one.
    pub counterexample: Option<Counterexample>,
}

/// A broken promise, and how it comes to it.
#[derive(Clone, Debug)]
pub struct Counterexample {
    /// What is broken.
    pub violation: Violation,
    /// The steps that lead there, in words.
    pub trace: Vec<String>,
}

/// One property, so that the checker stops at the first violation: with several, it goes on to the end of its block and
/// may keep a longer trace.
const HOLDS: &str = "every promise holds";

/// Fits a protocol to the checker. A step carries its state, so that each transition is computed once.
struct Checked<P>(P);

impl<P: Protocol> Model for Checked<P> {
    type State = P::State;
    type Action = Step<P::State, P::Event>;

    fn init_states(&self) -> Vec<Self::State> {
        vec![self.0.start()]
    }

    fn actions(&self, state: &Self::State, actions: &mut Vec<Self::Action>) {
        self.0.steps(state, actions);
    }

    fn next_state(&self, _: &Self::State, action: Self::Action) -> Option<Self::State> {
        Some(action.next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always(HOLDS, |model, state| model.0.violation(state).is_none())]
    }
}

pub(crate) fn check<P: Protocol>(
    protocol: P,
    search: Search,
    threads: usize,
    progress: &mut dyn FnMut(Progress),
) -> Outcome {
    let builder = Checked(protocol).checker().threads(threads).finish_when(HasDiscoveries::Any);
    match search {
        Search::Exhaustive => explore(builder.spawn_bfs(), progress),
        Search::Walks(states) => {
            // The seed makes a run repeatable.
            let builder = builder.target_state_count(states).target_max_depth(150);
            explore(builder.spawn_simulation(1, UniformChooser), progress)
        }
    }
}

fn explore<P: Protocol>(mut checker: impl Checker<Checked<P>>, progress: &mut dyn FnMut(Progress)) -> Outcome {
    let start = Instant::now();
    // The checker's own reporter sees no end of a search that panics, and no progress of random walks.
    let handles = checker.handles();
    while !handles.iter().all(JoinHandle::is_finished) {
        progress(Progress { states: checker.unique_state_count(), depth: checker.max_depth(), time: start.elapsed() });
        thread::sleep(Duration::from_millis(5));
    }
    for handle in handles {
        handle.join().unwrap_or_else(|panic| resume_unwind(panic));
    }
    let counterexample = checker.discovery(HOLDS).and_then(|path| {
        let violation = checker.model().0.violation(path.last_state())?;
        let trace = path.into_actions().into_iter().map(|step| step.event.to_string()).collect();
        Some(Counterexample { violation, trace })
    });
    Outcome { states: checker.unique_state_count(), depth: checker.max_depth(), time: start.elapsed(), counterexample }
}

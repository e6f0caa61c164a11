//! The free environments of one function, how many are in use, and the events that wait for one.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use super::work::{InvokeError, Work};
use crate::sync::lock;

#[derive(Debug)]
pub(super) struct Pool<E> {
    capacity: usize,
    state: Mutex<State<E>>,
}

#[derive(Debug)]
struct State<E> {
    /// The most recently used last.
    idle: Vec<Arc<E>>,
    /// Reservations that exist.
    used: usize,
    /// Those of them whose environment has responded.
    responded: usize,
    /// Until when one of these may be free in a moment.
    expected_until: Option<Instant>,
    waiting: VecDeque<(Ticket, Work)>,
    tickets: u64,
    closed: bool,
}

/// Counts one environment as in use while it lives.
#[derive(Debug)]
pub(super) struct Reservation<E> {
    pool: Arc<Pool<E>>,
    responded: bool,
}

/// Finds an event that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket(u64);

/// What an event gets.
#[derive(Debug)]
pub(super) enum Found<E> {
    Idle(Arc<E>, Work, Reservation<E>),
    /// It waits until then, when it is to be withdrawn.
    Waits(Ticket, Instant),
    /// A new environment may be started for it.
    Nothing(Work, Reservation<E>),
    Refused(Work, InvokeError),
}

impl<E> Pool<E> {
    pub(super) fn new(capacity: usize) -> Self {
        let state = State {
            idle: Vec::new(),
            used: 0,
            responded: 0,
            expected_until: None,
            waiting: VecDeque::new(),
            tickets: 0,
            closed: false,
        };
        Self { capacity, state: Mutex::new(state) }
    }

    /// Finds a suitable environment for an event. Only a patient one waits for an environment that has just responded.
    pub(super) fn reserve(self: &Arc<Self>, work: Work, is_patient: bool, suits: impl Fn(&E) -> bool) -> Found<E> {
        let mut state = lock(&self.state);
        if state.closed {
            return Found::Refused(work, InvokeError::Stopping);
        }
        if let Some(index) = state.idle.iter().rposition(|idle| suits(idle)) {
            let idle = state.idle.remove(index);
            return Found::Idle(idle, work, self.reservation(&mut state));
        }
        let expected_until = state.expected_until.filter(|until| is_patient && *until > Instant::now());
        if let Some(until) = expected_until.filter(|_| state.waiting.len() < state.responded) {
            state.tickets += 1;
            let ticket = Ticket(state.tickets);
            state.waiting.push_back((ticket, work));
            return Found::Waits(ticket, until);
        }
        if state.used >= self.capacity {
            return Found::Refused(work, InvokeError::Throttled);
        }
        Found::Nothing(work, self.reservation(&mut state))
    }

    /// Takes an event back that still waits.
    pub(super) fn withdraw(&self, ticket: Ticket) -> Option<Work> {
        let waiting = &mut lock(&self.state).waiting;
        let index = waiting.iter().position(|(other, _)| *other == ticket)?;
        waiting.remove(index).map(|(_, work)| work)
    }

    /// Frees an environment, or answers the event that has waited for it. A free one is frozen first.
    pub(super) fn put_back(
        &self,
        environment: &Arc<E>,
        mut reservation: Reservation<E>,
        freeze: impl FnOnce(),
    ) -> Option<(Work, Reservation<E>)> {
        let mut state = lock(&self.state);
        if std::mem::take(&mut reservation.responded) {
            state.responded -= 1;
        }
        if let Some((_, work)) = state.waiting.pop_front() {
            return Some((work, reservation));
        }
        freeze();
        if !state.closed {
            state.idle.push(Arc::clone(environment));
        }
        drop(state);
        drop(reservation);
        None
    }

    /// Never hands this environment out again.
    pub(super) fn forget(&self, environment: &E) {
        lock(&self.state).idle.retain(|other| !std::ptr::eq(Arc::as_ptr(other), environment));
    }

    pub(super) fn is_closed(&self) -> bool {
        lock(&self.state).closed
    }

    /// Refuses every event from now on.
    pub(super) fn close(&self) {
        let mut state = lock(&self.state);
        state.closed = true;
        let released = (std::mem::take(&mut state.idle), std::mem::take(&mut state.waiting));
        drop(state);
        drop(released);
    }

    fn reservation(self: &Arc<Self>, state: &mut State<E>) -> Reservation<E> {
        state.used += 1;
        Reservation { pool: Arc::clone(self), responded: false }
    }
}

impl<E> Reservation<E> {
    /// Notes that the environment has responded and may be free within that time.
    pub(super) fn respond(&mut self, soon: Duration) {
        let mut state = lock(&self.pool.state);
        state.expected_until = state.expected_until.max(Some(Instant::now() + soon));
        state.responded += 1;
        self.responded = true;
    }
}

impl<E> Drop for Reservation<E> {
    fn drop(&mut self) {
        let mut state = lock(&self.pool.state);
        state.used -= 1;
        if self.responded {
            state.responded -= 1;
        }
    }
}

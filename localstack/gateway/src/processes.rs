//! Every function process that is alive, for signals.

use std::sync::{Arc, Mutex};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{sockets, sync::lock};

/// What a process is doing, as far as the Runtime API knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// It waits for an event, or still initializes.
    Waiting,
    /// It has an event and has not answered it.
    Working,
    /// It has answered and not asked for the next event.
    AfterResponse,
}

/// The part of an invocation in which a signal is meant to strike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// At any time between the event and the question for the next one.
    Invocation,
    /// Only between the response and the question for the next event.
    AfterResponse,
}

#[derive(Debug)]
struct State {
    /// False once it was reaped: its id may belong to another process by then.
    alive: bool,
    phase: Phase,
    /// Between invocations, as on AWS.
    frozen: bool,
    /// How often it was frozen.
    freezes: usize,
    /// How many faults hold it stopped.
    stops: usize,
}

/// One process; signals go to it only while it is alive.
#[derive(Debug)]
pub(crate) struct Process {
    function: String,
    pid: u32,
    /// The port of its Runtime API.
    runtime_api: u16,
    state: Mutex<State>,
}

impl Process {
    pub(crate) fn function(&self) -> &str {
        &self.function
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Lets the process run: an event is on its way to it.
    pub(crate) fn begin(&self) {
        let mut state = lock(&self.state);
        state.phase = Phase::Working;
        if std::mem::take(&mut state.frozen) && state.stops == 0 {
            self.send(&state, Signal::SIGCONT);
        }
    }

    pub(crate) fn responded(&self) {
        lock(&self.state).phase = Phase::AfterResponse;
    }

    pub(crate) fn finished(&self) {
        lock(&self.state).phase = Phase::Waiting;
    }

    /// Stops the process until the next [`Process::begin`]. Answers how often that has happened.
    pub(crate) fn freeze(&self) -> usize {
        let mut state = lock(&self.state);
        state.frozen = true;
        state.freezes += 1;
        if state.stops == 0 {
            self.send(&state, Signal::SIGSTOP);
        }
        state.freezes
    }

    /// Cuts the connections of a process that is still frozen for the nth time, but those to its Runtime API. Answers how many.
    pub(crate) fn cut_connections(&self, freeze: usize) -> usize {
        let state = lock(&self.state);
        let is_frozen = state.frozen && state.freezes == freeze && state.alive;
        // An error is a process that is ending.
        if is_frozen { sockets::cut(self.pid, self.runtime_api).unwrap_or_default() } else { 0 }
    }

    /// Stops the process, as a fault; false if it is gone.
    pub(crate) fn stop(&self) -> bool {
        let mut state = lock(&self.state);
        state.stops += 1;
        self.send(&state, Signal::SIGSTOP)
    }

    /// Ends one [`Process::stop`].
    pub(crate) fn resume(&self) {
        let mut state = lock(&self.state);
        state.stops = state.stops.saturating_sub(1);
        if state.stops == 0 && !state.frozen {
            self.send(&state, Signal::SIGCONT);
        }
    }

    /// Ends every [`Process::stop`].
    fn resume_fully(&self) {
        lock(&self.state).stops = 0;
        self.resume();
    }

    /// False if it is gone already.
    pub(crate) fn kill(&self) -> bool {
        self.send(&lock(&self.state), Signal::SIGKILL)
    }

    pub(crate) fn is_alive(&self) -> bool {
        lock(&self.state).alive
    }

    /// Notes that the process was reaped: no signal goes to it any more.
    pub(crate) fn reaped(&self) {
        lock(&self.state).alive = false;
    }

    fn terminate(&self) {
        let state = lock(&self.state);
        self.send(&state, Signal::SIGTERM);
        // A stopped process can't act on SIGTERM until it continues.
        self.send(&state, Signal::SIGCONT);
    }

    pub(crate) fn is_in(&self, moment: Moment) -> bool {
        match (lock(&self.state).phase, moment) {
            (Phase::Working, Moment::Invocation) | (Phase::AfterResponse, _) => true,
            (Phase::Waiting, _) | (Phase::Working, Moment::AfterResponse) => false,
        }
    }

    fn is_waiting(&self) -> bool {
        lock(&self.state).phase == Phase::Waiting
    }

    fn send(&self, state: &State, signal: Signal) -> bool {
        let raw = i32::try_from(self.pid).ok().filter(|_| state.alive);
        raw.is_some_and(|raw| kill(Pid::from_raw(raw), signal).is_ok())
    }
}

/// The list of live processes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Processes(Arc<Mutex<Vec<Arc<Process>>>>);

impl Processes {
    pub(crate) fn add(&self, function: &str, pid: u32, runtime_api: u16) -> Arc<Process> {
        let state = State { alive: true, phase: Phase::Waiting, frozen: false, freezes: 0, stops: 0 };
        let process = Arc::new(Process { function: function.to_owned(), pid, runtime_api, state: Mutex::new(state) });
        lock(&self.0).push(Arc::clone(&process));
        process
    }

    /// Takes a process off the list that was reaped.
    pub(crate) fn remove(&self, process: &Arc<Process>) {
        lock(&self.0).retain(|other| !Arc::ptr_eq(other, process));
    }

    /// Processes of one function, or of all, those in the middle of an invocation first.
    pub(crate) fn of(&self, function: Option<&str>) -> Vec<Arc<Process>> {
        let processes = lock(&self.0);
        let wanted = processes.iter().filter(|process| function.is_none_or(|name| name == process.function));
        let mut wanted: Vec<_> = wanted.cloned().collect();
        wanted.sort_by_key(|process| process.is_waiting());
        wanted
    }

    pub(crate) fn terminate(&self) {
        self.of(None).iter().for_each(|process| process.terminate());
    }

    pub(crate) fn kill(&self) {
        for process in self.of(None) {
            process.kill();
        }
    }

    pub(crate) fn resume(&self) {
        self.of(None).iter().for_each(|process| process.resume_fully());
    }

    pub(crate) fn is_empty(&self) -> bool {
        lock(&self.0).is_empty()
    }
}

//! Every function process that is alive, for signals.

use std::sync::{Arc, Mutex};

use nix::{sys::signal::kill, unistd::Pid};

pub(crate) use nix::sys::signal::Signal;

#[derive(Clone, Debug)]
struct Process {
    function: String,
    pid: u32,
    busy: bool,
}

/// The list of live processes. A process leaves it as it is reaped, so that no signal meets a stranger.
#[derive(Clone, Debug, Default)]
pub(crate) struct Processes(Arc<Mutex<Vec<Process>>>);

impl Processes {
    pub(crate) fn add(&self, function: &str, pid: u32) {
        crate::lock(&self.0).push(Process { function: function.to_owned(), pid, busy: false });
    }

    pub(crate) fn remove(&self, pid: u32) {
        crate::lock(&self.0).retain(|process| process.pid != pid);
    }

    pub(crate) fn set_busy(&self, pid: u32, busy: bool) {
        for process in crate::lock(&self.0).iter_mut().filter(|process| process.pid == pid) {
            process.busy = busy;
        }
    }

    /// Processes of one function, or of all, the busy ones first.
    pub(crate) fn pids(&self, function: Option<&str>) -> Vec<u32> {
        let processes = crate::lock(&self.0);
        let wanted = |process: &&Process| function.is_none_or(|name| name == process.function);
        let with = |busy| {
            processes.iter().filter(wanted).filter(move |process| process.busy == busy).map(|process| process.pid)
        };
        with(true).chain(with(false)).collect()
    }

    /// Whether the process is in the middle of an invocation.
    pub(crate) fn is_busy(&self, pid: u32) -> bool {
        crate::lock(&self.0).iter().any(|process| process.pid == pid && process.busy)
    }

    /// Sends a signal; false if the process is gone.
    pub(crate) fn signal(&self, pid: u32, signal: Signal) -> bool {
        let processes = crate::lock(&self.0);
        let known = processes.iter().any(|process| process.pid == pid);
        let raw = i32::try_from(pid).ok().filter(|_| known);
        raw.is_some_and(|raw| kill(Pid::from_raw(raw), signal).is_ok())
    }

    pub(crate) fn signal_all(&self, signal: Signal) {
        for pid in self.pids(None) {
            self.signal(pid, signal);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        crate::lock(&self.0).is_empty()
    }
}

//! One execution environment: what its process and the extensions in it wait for and work on.
//!
//! Everything here happens at once and under one lock; what waits is in `runtime_api` and `launch`.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use hyper::body::Bytes;
use serde_json::json;
use tokio::sync::oneshot;

use super::{
    definition::{Definition, Shared},
    pool::{Pool, Reservation},
    work::{InvokeError, Reply, Work},
};
use crate::{
    cpu_shares::CpuGroup,
    ids,
    processes::Process,
    records::{AfterResponse, Outcome, RecordNumber},
    sync::lock,
};

/// AWS's limit on extensions of one function.
const EXTENSIONS: usize = 10;

/// How long an event waits for an environment that has just responded, rather than for a new one.
///
/// On AWS a response travels for about as long, so that its client's next request finds the environment free.
const AFTER_WORK: Duration = Duration::from_millis(10);
/// The same without extensions: such an environment asks for its next event at once, late only on a busy machine.
const NO_AFTER_WORK: Duration = Duration::from_millis(200);

/// What the Runtime API, the supervisor of the process and the callers share.
pub(super) struct Environment {
    pub(super) definition: Arc<Definition>,
    pub(super) shared: Arc<Shared>,
    pub(super) process: Arc<Process>,
    pool: Arc<Pool<Environment>>,
    state: Mutex<State>,
    /// Limits the process's share of the processor.
    cpu_group: Mutex<Option<CpuGroup>>,
}

struct State {
    /// Taken as the init ends, for better or worse.
    ready: Option<oneshot::Sender<Result<(), String>>>,
    /// Wakes the runtime where it waits for an event.
    runtime: Option<oneshot::Sender<()>>,
    extensions: Vec<Extension>,
    invocation: Option<Invocation>,
    ended: bool,
}

/// An internal extension: a part of the process that registered itself.
struct Extension {
    id: String,
    name: String,
    wants_invocations: bool,
    /// Hands it the event that it waits for.
    waiting: Option<oneshot::Sender<Bytes>>,
}

struct Invocation {
    request_id: String,
    /// Taken by the runtime.
    payload: Option<Bytes>,
    /// Taken by the answer.
    reply: Option<Reply>,
    reservation: Reservation<Environment>,
    attempts: usize,
    init: Option<Duration>,
    trace: String,
    deadline_ms: i64,
    begun: Instant,
    record: Option<RecordNumber>,
}

/// An event as the runtime gets it.
pub(super) struct Event {
    pub(super) request_id: String,
    pub(super) payload: Bytes,
    pub(super) trace: String,
    pub(super) deadline_ms: i64,
}

/// Why an extension was not registered.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unregistered {
    UnknownEvent(String),
    Closed,
    NameTaken,
    TooMany,
}

impl Environment {
    /// An environment whose init has begun, and what tells the end of the init.
    pub(super) fn new(
        definition: &Arc<Definition>,
        shared: &Arc<Shared>,
        pool: &Arc<Pool<Self>>,
        (pid, runtime_api): (u32, u16),
    ) -> (Arc<Self>, oneshot::Receiver<Result<(), String>>) {
        let (ready, is_ready) = oneshot::channel();
        let state = State { ready: Some(ready), runtime: None, extensions: Vec::new(), invocation: None, ended: false };
        let environment = Self {
            definition: Arc::clone(definition),
            shared: Arc::clone(shared),
            process: shared.processes.add(&definition.name, pid, runtime_api),
            pool: Arc::clone(pool),
            state: Mutex::new(state),
            cpu_group: Mutex::new(None),
        };
        (Arc::new(environment), is_ready)
    }

    /// Hands an event over; gives it back if the environment has ended.
    pub(super) fn begin(&self, work: Work, reservation: Reservation<Self>) -> Result<(), Work> {
        let mut state = lock(&self.state);
        if state.ended {
            return Err(work);
        }
        self.hand_over(&mut state, work, reservation);
        Ok(())
    }

    fn hand_over(&self, state: &mut State, work: Work, reservation: Reservation<Self>) {
        let timeout = i64::try_from(self.definition.timeout.as_millis()).unwrap_or(i64::MAX / 2);
        let invocation = state.invocation.insert(Invocation {
            request_id: ids::uuid(),
            payload: Some(work.payload),
            reply: Some(work.reply),
            reservation,
            attempts: work.attempts,
            init: work.init,
            trace: ids::trace(),
            deadline_ms: ids::epoch_millis(ids::now()) + timeout,
            begun: Instant::now(),
            record: None,
        });
        self.process.begin();
        for extension in state.extensions.iter_mut().filter(|extension| extension.wants_invocations) {
            if let Some(waiting) = extension.waiting.take() {
                // An extension whose connection broke is gone with its process.
                let _ = waiting.send(self.extension_event(invocation));
            }
        }
        let woken = state.runtime.take().is_some_and(|runtime| runtime.send(()).is_ok());
        if !woken {
            // The runtime's connection broke: the event goes to another environment as this one ends.
            self.process.kill();
        }
        self.shared.faults.strike(&self.process);
    }

    fn extension_event(&self, invocation: &Invocation) -> Bytes {
        let event = json!({
            "eventType": "INVOKE",
            "deadlineMs": invocation.deadline_ms,
            "requestId": invocation.request_id,
            "invokedFunctionArn": self.definition.arn,
            "tracing": {"type": "X-Amzn-Trace-Id", "value": invocation.trace},
        });
        Bytes::from(event.to_string())
    }

    /// Waits for the runtime's next event; `None` if the environment ends first.
    pub(super) async fn next(self: &Arc<Self>) -> Option<Event> {
        let (wake, woken) = oneshot::channel();
        self.wait(|state| {
            state.runtime = Some(wake);
            Some(())
        });
        woken.await.ok()?;
        let mut state = lock(&self.state);
        let invocation = state.invocation.as_mut()?;
        Some(Event {
            payload: invocation.payload.take()?,
            request_id: invocation.request_id.clone(),
            trace: invocation.trace.clone(),
            deadline_ms: invocation.deadline_ms,
        })
    }

    /// Waits for an extension's next event; `None` if it is unknown or the environment ends first.
    pub(super) async fn next_for_extension(self: &Arc<Self>, id: &str) -> Option<Bytes> {
        let (wake, event) = oneshot::channel();
        self.wait(|state| {
            state.extensions.iter_mut().find(|extension| extension.id == id)?.waiting = Some(wake);
            Some(())
        });
        event.await.ok()
    }

    /// Notes that the runtime or an extension waits. Once all of them do, the init or the invocation is over.
    fn wait(self: &Arc<Self>, note: impl FnOnce(&mut State) -> Option<()>) {
        let mut state = lock(&self.state);
        if state.ended || note(&mut state).is_none() {
            return;
        }
        let all_wait = state.runtime.is_some() && state.extensions.iter().all(|it| it.waiting.is_some());
        if !all_wait {
            return;
        }
        if let Some(ready) = state.ready.take() {
            // Whoever waited has given up by its limit.
            let _ = ready.send(Ok(()));
            return;
        }
        let Some(mut invocation) = state.invocation.take() else { return };
        let unanswered = InvokeError::Crashed("the runtime asked for the next event without a response".to_owned());
        self.settle(&mut invocation, Err(unanswered));
        self.process.finished();
        let reservation = self.conclude(invocation, Outcome::Success);
        let mut freeze = 0;
        match self.pool.put_back(self, reservation, || freeze = self.process.freeze()) {
            Some((work, reservation)) => self.hand_over(&mut state, work, reservation),
            // The next event waits for the lock, so that it finds the process as the fault leaves it.
            None => self.shared.faults.strike_frozen(&self.process, freeze),
        }
    }

    /// Answers the caller of the current invocation; false if it is another one or was answered before.
    pub(super) fn respond(&self, request_id: &str, result: Result<Bytes, InvokeError>) -> bool {
        let mut state = lock(&self.state);
        let soon = if state.extensions.is_empty() { NO_AFTER_WORK } else { AFTER_WORK };
        let Some(invocation) = state.invocation.as_mut().filter(|it| it.request_id == request_id) else {
            return false;
        };
        if invocation.reply.is_none() {
            return false;
        }
        self.process.responded();
        invocation.reservation.respond(soon);
        self.settle(invocation, result);
        self.shared.faults.strike_after_response(&self.process);
        true
    }

    /// Registers an extension and answers its id.
    pub(super) fn register(&self, name: &str, events: &[String]) -> Result<String, Unregistered> {
        if let Some(unknown) = events.iter().find(|event| *event != "INVOKE") {
            return Err(Unregistered::UnknownEvent(unknown.clone()));
        }
        let mut state = lock(&self.state);
        if state.ready.is_none() || state.runtime.is_some() {
            return Err(Unregistered::Closed);
        }
        if state.extensions.iter().any(|extension| extension.name == name) {
            return Err(Unregistered::NameTaken);
        }
        if state.extensions.len() == EXTENSIONS {
            return Err(Unregistered::TooMany);
        }
        let id = ids::uuid();
        let wants_invocations = !events.is_empty();
        state.extensions.push(Extension { id: id.clone(), name: name.to_owned(), wants_invocations, waiting: None });
        Ok(id)
    }

    pub(super) fn has_extension(&self, id: &str) -> bool {
        lock(&self.state).extensions.iter().any(|extension| extension.id == id)
    }

    /// Ends an init that the process reports as failed. Later calls do nothing.
    pub(super) fn fail_init(&self, reason: String) {
        if let Some(ready) = lock(&self.state).ready.take() {
            // Whoever waited has given up by its limit.
            let _ = ready.send(Err(reason));
        }
    }

    /// When the process is to be looked at: no invocation is overdue before.
    pub(super) fn due(&self) -> Instant {
        let begun = lock(&self.state).invocation.as_ref().map(|invocation| invocation.begun);
        // An invocation that begins meanwhile is due after that.
        begun.unwrap_or_else(Instant::now) + self.definition.timeout
    }

    /// Kills the process if its invocation takes longer than the function may.
    pub(super) fn kill_overdue(&self) {
        let limit = self.definition.timeout;
        if lock(&self.state).invocation.as_ref().is_some_and(|invocation| invocation.begun.elapsed() >= limit) {
            if let Some(mut invocation) = self.close() {
                self.cut_off(&mut invocation, InvokeError::TimedOut(limit));
                self.conclude(invocation, Outcome::Timeout);
            }
            self.process.kill();
        }
    }

    /// Keeps a control group while the process lives.
    pub(super) fn keep(&self, group: CpuGroup) {
        let mut slot = lock(&self.cpu_group);
        if self.process.is_alive() {
            *slot = Some(group);
        }
    }

    /// Gives the process the share of the processor that comes with its memory, if it has a control group.
    pub(super) fn limit_cpu(&self) -> anyhow::Result<()> {
        lock(&self.cpu_group).as_ref().map_or(Ok(()), |group| group.limit(self.definition.memory))
    }

    /// Kills the process, unless it is gone.
    pub(super) fn kill(&self) {
        self.pool.forget(self);
        self.process.kill();
    }

    /// Notes the end of the process. Answers an event that it never saw: another environment may try.
    pub(super) fn ended(&self, reason: &str) -> Option<Work> {
        self.process.reaped();
        // An empty group can be removed, and is before the process counts as gone.
        drop(lock(&self.cpu_group).take());
        self.shared.processes.remove(&self.process);
        self.fail_init(reason.to_owned());
        let mut invocation = self.close()?;
        if let Some(payload) = invocation.payload.take() {
            let (attempts, init) = (invocation.attempts + 1, invocation.init);
            return invocation.reply.take().map(|reply| Work { payload, reply, attempts, init });
        }
        self.cut_off(&mut invocation, InvokeError::Crashed(reason.to_owned()));
        self.conclude(invocation, Outcome::Crash);
        None
    }

    /// Takes no further event, and answers the current invocation.
    fn close(&self) -> Option<Invocation> {
        let mut state = lock(&self.state);
        state.ended = true;
        state.runtime = None;
        state.extensions.clear();
        self.pool.forget(self);
        state.invocation.take()
    }

    /// Answers the caller with an error, or logs it where the caller has its answer.
    fn cut_off(&self, invocation: &mut Invocation, error: InvokeError) {
        if invocation.reply.is_none() {
            (self.shared.logs)(&self.definition.name, &format!("{error} (after the response)"));
        }
        self.settle(invocation, Err(error));
    }

    /// Answers the caller, unless that has happened.
    fn settle(&self, invocation: &mut Invocation, result: Result<Bytes, InvokeError>) {
        let Some(reply) = invocation.reply.take() else { return };
        let duration = invocation.begun.elapsed();
        invocation.record = Some(self.shared.record(&self.definition.name, invocation.init, duration, &result));
        // The caller may have given up by its limit.
        let _ = reply.send(result);
    }

    /// Notes how the work for an invocation ended, the part after the response included.
    fn conclude(&self, invocation: Invocation, outcome: Outcome) -> Reservation<Self> {
        if let Some(number) = invocation.record {
            let total_ms = invocation.begun.elapsed().as_secs_f64() * 1000.0;
            self.shared.records.complete(number, AfterResponse { total_ms, outcome });
        }
        invocation.reservation
    }
}

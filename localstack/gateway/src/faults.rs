//! Faults on demand: all off by default, and repeatable from a seed.

use std::{
    collections::BTreeMap,
    ops::RangeInclusive,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use rand::{RngExt, SeedableRng, rngs::StdRng};

use crate::{
    processes::{Moment, Process, Processes},
    sync::lock,
};

/// A handle on the faults of one gateway; clones share them.
#[derive(Clone, Debug)]
pub struct Faults {
    state: Arc<Mutex<State>>,
    processes: Processes,
    /// Connections of frozen environments that were cut.
    cut: Arc<AtomicUsize>,
}

/// Faults between the gateway and functions. Chances are from 0.0 (never, the default) to 1.0 (always).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rules {
    /// Delays an event before the function sees it, HTTP requests, `$connect`, `$disconnect` and schedules included.
    /// Frames of one connection overtake each other this way.
    pub delay: Delay,
    /// Loses an event without running the function: a frame or a schedule's event vanishes, a batch of a queue comes again after its
    /// visibility timeout, an HTTP request gets the gateway's 503, and `$connect` is refused with 500.
    pub drop: f64,
    /// Invokes the function twice for one frame, one batch of a queue or one event of a schedule, at the same time; the client gets both
    /// answers.
    pub duplicate: f64,
    /// Runs the function and loses its answer: an HTTP connection (or upgrade) is reset, an answer frame never comes, a batch of a
    /// queue comes again.
    pub lose_answer: f64,
    /// Runs the function and answers as if it had failed: 503, or the gateway's error frame.
    pub fail_answer: f64,
    /// Never sends the event of a disconnect. Applies to the function that serves `$disconnect`.
    pub lose_disconnect: f64,
    /// Sends SIGKILL to the environment during an invocation, this long after its start.
    pub kill: Delay,
    /// Sends SIGSTOP to the environment during an invocation, this long after its start.
    pub stop: Delay,
    /// Sends SIGKILL to the environment this long after its response, if it has not asked for the next event by then.
    pub kill_after_response: Delay,
    /// Sends SIGSTOP to the environment this long after its response, if it has not asked for the next event by then.
    pub stop_after_response: Delay,
    /// How long an environment stays stopped; zero by default.
    pub stopped_for: Span,
    /// Cuts every connection of an environment that has been frozen for this long, that to the Runtime API aside: connections age
    /// between invocations, and the next invocation finds them dead.
    pub cut_frozen: Delay,
}

/// Faults of what is posted to connections. Chances are from 0.0 (never, the default) to 1.0 (always).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PushRules {
    /// Loses the push; the post answers 200.
    pub drop: f64,
    /// Sends it twice.
    pub duplicate: f64,
    /// Sends it later; the post answers 200 at once.
    pub delay: Delay,
    /// Sends it after the connection's next push, or after a second if there is none.
    pub reorder: f64,
    /// Answers the post with 410 though the connection lives.
    pub gone: f64,
    /// Answers the post with 429.
    pub limited: f64,
}

/// Faults of what is sent to queues. Chances are from 0.0 (never, the default) to 1.0 (always).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueueRules {
    /// Loses the message; its sender is answered as always.
    pub drop: f64,
    /// Keeps it twice.
    pub duplicate: f64,
    /// Delays it beyond its own delay.
    pub delay: Delay,
    /// Holds it until the queue has the next one, or for a second if there is none.
    pub reorder: f64,
}

/// Faults of what is sent to S3, by functions and by clients. Chances are from 0.0 (never, the default) to 1.0 (always).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StoreRules {
    /// Answers 503 `SlowDown` and does nothing.
    pub unavailable: f64,
    /// Begins to handle the request later.
    pub slow: Delay,
    /// Cuts the connection, before the request is handled or after it, each half of the times.
    pub reset: f64,
}

/// A chance, and how long to wait when it occurs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Delay {
    /// From 0.0 (never) to 1.0 (always).
    pub chance: f64,
    /// The shortest and longest wait.
    pub span: Span,
}

/// A range of durations, evenly distributed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The shortest.
    pub from: Duration,
    /// The longest.
    pub to: Duration,
}

impl Span {
    /// Always the same duration.
    pub const fn exactly(duration: Duration) -> Self {
        Self { from: duration, to: duration }
    }

    /// A range in milliseconds.
    pub const fn millis(range: RangeInclusive<u64>) -> Self {
        Self { from: Duration::from_millis(*range.start()), to: Duration::from_millis(*range.end()) }
    }
}

impl Delay {
    /// Occurs every time.
    pub const fn always(span: Span) -> Self {
        Self { chance: 1.0, span }
    }

    /// Occurs with this chance.
    pub const fn sometimes(chance: f64, span: Span) -> Self {
        Self { chance, span }
    }
}

#[derive(Debug)]
struct State {
    random: StdRng,
    everywhere: Rules,
    functions: BTreeMap<String, Rules>,
    pushes: PushRules,
    connections: BTreeMap<String, PushRules>,
    all_queues: QueueRules,
    queues: BTreeMap<String, QueueRules>,
    store: StoreRules,
}

/// What happens to one event.
#[derive(Debug, PartialEq)]
pub(crate) enum EventFate {
    Drop,
    Deliver { after: Duration, copies: usize },
}

/// What happens to one answer.
#[derive(Debug, PartialEq)]
pub(crate) enum AnswerFate {
    Deliver,
    Lose,
    Fail,
}

/// What happens to one message on its way to a queue.
#[derive(Debug, PartialEq)]
pub(crate) enum QueueFate {
    Drop,
    Deliver { after: Duration, copies: usize, behind_next: bool },
}

/// What happens to one request to S3.
#[derive(Debug, PartialEq)]
pub(crate) enum StoreFate {
    Unavailable,
    ResetBefore,
    Serve { after: Duration, loses_answer: bool },
}

/// What happens to one push.
#[derive(Debug, PartialEq)]
pub(crate) enum PushFate {
    Gone,
    Limited,
    Drop,
    Send { after: Duration, copies: usize, behind_next: bool },
}

impl Faults {
    pub(crate) fn new(processes: Processes) -> Self {
        let state = State {
            random: StdRng::seed_from_u64(0),
            everywhere: Rules::default(),
            functions: BTreeMap::new(),
            pushes: PushRules::default(),
            connections: BTreeMap::new(),
            all_queues: QueueRules::default(),
            queues: BTreeMap::new(),
            store: StoreRules::default(),
        };
        Self { state: Arc::new(Mutex::new(state)), processes, cut: Arc::default() }
    }

    pub(crate) fn processes(&self) -> &Processes {
        &self.processes
    }

    /// Restarts the random choices. The same seed and the same order of events give the same faults.
    pub fn seed(&self, seed: u64) {
        lock(&self.state).random = StdRng::seed_from_u64(seed);
    }

    /// Sets the rules of every function that has none of its own.
    pub fn everywhere(&self, rules: Rules) {
        lock(&self.state).everywhere = rules;
    }

    /// Sets the rules of one function, which replace the general ones.
    pub fn function(&self, name: &str, rules: Rules) {
        lock(&self.state).functions.insert(name.to_owned(), rules);
    }

    /// Sets the rules of posts to every connection that has none of its own.
    pub fn pushes(&self, rules: PushRules) {
        lock(&self.state).pushes = rules;
    }

    /// Sets the rules of posts to one connection, which replace the general ones.
    pub fn pushes_to(&self, connection: &str, rules: PushRules) {
        lock(&self.state).connections.insert(connection.to_owned(), rules);
    }

    /// Sets the rules of every queue that has none of its own.
    pub fn queues(&self, rules: QueueRules) {
        lock(&self.state).all_queues = rules;
    }

    /// Sets the rules of one queue by its name, which replace the general ones.
    pub fn queue(&self, name: &str, rules: QueueRules) {
        lock(&self.state).queues.insert(name.to_owned(), rules);
    }

    /// Sets the rules of requests to S3.
    pub fn store_rules(&self, rules: StoreRules) {
        lock(&self.state).store = rules;
    }

    /// Switches every fault off. Delayed events and stopped environments still continue at their time.
    pub fn clear(&self) {
        let mut state = lock(&self.state);
        state.everywhere = Rules::default();
        state.functions.clear();
        state.pushes = PushRules::default();
        state.connections.clear();
        state.all_queues = QueueRules::default();
        state.queues.clear();
        state.store = StoreRules::default();
    }

    /// Process ids of a function's environments, those with an invocation first.
    pub fn pids(&self, function: &str) -> Vec<u32> {
        self.processes.of(Some(function)).iter().map(|process| process.pid()).collect()
    }

    /// Sends SIGKILL to one environment of a function, a busy one if there is one. Answers its process id.
    pub fn kill_one(&self, function: &str) -> Option<u32> {
        let killed = self.processes.of(Some(function)).into_iter().find(|process| process.kill())?;
        Some(killed.pid())
    }

    /// Sends SIGSTOP to one environment of a function, a busy one if there is one, and SIGCONT after `duration`.
    ///
    /// Must be called inside a tokio runtime. Answers its process id.
    pub fn stop_one(&self, function: &str, duration: Duration) -> Option<u32> {
        let stopped = self.processes.of(Some(function)).into_iter().find(|process| process.stop())?;
        let pid = stopped.pid();
        resume_later(stopped, duration);
        Some(pid)
    }

    /// How many connections of frozen environments were cut.
    pub fn connections_cut(&self) -> usize {
        self.cut.load(Ordering::Relaxed)
    }

    /// Sends SIGCONT to every environment that a fault has stopped.
    pub fn resume_all(&self) {
        self.processes.resume();
    }

    pub(crate) fn event(&self, function: &str) -> EventFate {
        self.roll(function, |rules, dice| {
            if dice.strikes(rules.drop) {
                return EventFate::Drop;
            }
            let copies = if dice.strikes(rules.duplicate) { 2 } else { 1 };
            EventFate::Deliver { after: dice.wait(&rules.delay).unwrap_or_default(), copies }
        })
    }

    pub(crate) fn answer(&self, function: &str) -> AnswerFate {
        self.roll(function, |rules, dice| match () {
            () if dice.strikes(rules.lose_answer) => AnswerFate::Lose,
            () if dice.strikes(rules.fail_answer) => AnswerFate::Fail,
            () => AnswerFate::Deliver,
        })
    }

    pub(crate) fn loses_disconnect(&self, function: &str) -> bool {
        self.roll(function, |rules, dice| dice.strikes(rules.lose_disconnect))
    }

    pub(crate) fn push(&self, connection: &str) -> PushFate {
        let mut guard = lock(&self.state);
        let state = &mut *guard;
        let rules = state.connections.get(connection).unwrap_or(&state.pushes);
        let mut dice = Dice(&mut state.random);
        match () {
            () if dice.strikes(rules.gone) => PushFate::Gone,
            () if dice.strikes(rules.limited) => PushFate::Limited,
            () if dice.strikes(rules.drop) => PushFate::Drop,
            () => PushFate::Send {
                copies: if dice.strikes(rules.duplicate) { 2 } else { 1 },
                behind_next: dice.strikes(rules.reorder),
                after: dice.wait(&rules.delay).unwrap_or_default(),
            },
        }
    }

    pub(crate) fn queued(&self, queue: &str) -> QueueFate {
        let mut guard = lock(&self.state);
        let state = &mut *guard;
        let rules = state.queues.get(queue).unwrap_or(&state.all_queues);
        let mut dice = Dice(&mut state.random);
        if dice.strikes(rules.drop) {
            return QueueFate::Drop;
        }
        QueueFate::Deliver {
            copies: if dice.strikes(rules.duplicate) { 2 } else { 1 },
            behind_next: dice.strikes(rules.reorder),
            after: dice.wait(&rules.delay).unwrap_or_default(),
        }
    }

    pub(crate) fn store(&self) -> StoreFate {
        let mut guard = lock(&self.state);
        let state = &mut *guard;
        let mut dice = Dice(&mut state.random);
        if dice.strikes(state.store.unavailable) {
            return StoreFate::Unavailable;
        }
        let is_reset = dice.strikes(state.store.reset);
        if is_reset && dice.strikes(0.5) {
            return StoreFate::ResetBefore;
        }
        StoreFate::Serve { after: dice.wait(&state.store.slow).unwrap_or_default(), loses_answer: is_reset }
    }

    /// Applies the rules to a process that begins an invocation.
    pub(crate) fn strike(&self, process: &Arc<Process>) {
        self.strike_at(Moment::Invocation, process, |rules| (&rules.kill, &rules.stop));
    }

    /// Applies the rules to a process that has responded.
    pub(crate) fn strike_after_response(&self, process: &Arc<Process>) {
        self.strike_at(Moment::AfterResponse, process, |rules| {
            (&rules.kill_after_response, &rules.stop_after_response)
        });
    }

    /// Applies the rules to a process that was frozen for the nth time.
    pub(crate) fn strike_frozen(&self, process: &Arc<Process>, freeze: usize) {
        let Some(after) = self.roll(process.function(), |rules, dice| dice.wait(&rules.cut_frozen)) else { return };
        let (process, count) = (Arc::clone(process), Arc::clone(&self.cut));
        let cut = move || count.fetch_add(process.cut_connections(freeze), Ordering::Relaxed);
        if after.is_zero() {
            cut();
        } else {
            tokio::spawn(async move {
                tokio::time::sleep(after).await;
                cut();
            });
        }
    }

    fn strike_at(&self, moment: Moment, process: &Arc<Process>, delays: fn(&Rules) -> (&Delay, &Delay)) {
        let (kill_after, stop) = self.roll(process.function(), |rules, dice| {
            let (kill, stop) = delays(rules);
            (dice.wait(kill), dice.wait(stop).map(|after| (after, dice.within(rules.stopped_for))))
        });
        if let Some(after) = kill_after {
            strike_later(process, moment, after, |process| {
                process.kill();
            });
        }
        if let Some((after, duration)) = stop {
            strike_later(process, moment, after, move |process| {
                if process.stop() {
                    resume_later(Arc::clone(process), duration);
                }
            });
        }
    }

    fn roll<T>(&self, function: &str, decide: impl FnOnce(&Rules, &mut Dice<'_>) -> T) -> T {
        let mut guard = lock(&self.state);
        let state = &mut *guard;
        let rules = state.functions.get(function).unwrap_or(&state.everywhere);
        decide(rules, &mut Dice(&mut state.random))
    }
}

/// Strikes if the process is still in that part of its invocation; immediately if there is no delay.
fn strike_later(
    process: &Arc<Process>,
    moment: Moment,
    after: Duration,
    blow: impl FnOnce(&Arc<Process>) + Send + 'static,
) {
    if after.is_zero() && moment == Moment::AfterResponse {
        return blow(process);
    }
    let process = Arc::clone(process);
    tokio::spawn(async move {
        tokio::time::sleep(after).await;
        if process.is_in(moment) {
            blow(&process);
        }
    });
}

fn resume_later(process: Arc<Process>, after: Duration) {
    tokio::spawn(async move {
        tokio::time::sleep(after).await;
        process.resume();
    });
}

struct Dice<'r>(&'r mut StdRng);

impl Dice<'_> {
    fn strikes(&mut self, chance: f64) -> bool {
        chance > 0.0 && self.0.random_bool(chance.min(1.0))
    }

    fn within(&mut self, span: Span) -> Duration {
        if span.to > span.from { self.0.random_range(span.from..=span.to) } else { span.from }
    }

    fn wait(&mut self, delay: &Delay) -> Option<Duration> {
        self.strikes(delay.chance).then(|| self.within(delay.span))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_seed_repeats_the_faults() {
        let fates = |seed| {
            let faults = Faults::new(Processes::default());
            faults.seed(seed);
            faults.everywhere(Rules {
                drop: 0.5,
                delay: Delay::sometimes(0.5, Span::millis(1..=100)),
                ..Rules::default()
            });
            (0..20).map(|_| faults.event("any")).collect::<Vec<_>>()
        };

        assert_eq!(fates(7), fates(7));
        assert_ne!(fates(7), fates(8));
    }

    #[test]
    fn function_rules_replace_the_general_ones() {
        let faults = Faults::new(Processes::default());
        faults.everywhere(Rules { drop: 1.0, ..Rules::default() });
        faults.function("spared", Rules::default());

        assert_eq!(faults.event("spared"), EventFate::Deliver { after: Duration::ZERO, copies: 1 });
        assert_eq!(faults.event("other"), EventFate::Drop);
    }
}

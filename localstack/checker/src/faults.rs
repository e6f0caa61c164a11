//! Injects faults by a plan.

use std::{cell::RefCell, collections::BTreeMap, time::Duration};

use futures_util::future::join_all;
use gateway::{Delay, Gateway, PushRules, QueueRules, Rules, Span, StoreRules};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::json;
use stack::Databases;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use crate::{
    history::Recorder,
    options::{Fault, FaultPlan},
};

/// The longest stop of a function, longer than the expiry of in-flight entries (5 s).
const LONGEST_STOP: Duration = Duration::from_secs(8);

/// Injects faults into a stack.
pub(crate) struct Breaker<'s> {
    pub(crate) gateway: &'s Gateway,
    pub(crate) databases: &'s Databases,
    pub(crate) recorder: &'s Recorder,
    pub(crate) plan: &'s FaultPlan,
    pub(crate) seed: u64,
    /// How often each database was killed or stopped.
    pub(crate) broken: RefCell<BTreeMap<Fault, usize>>,
}

impl Breaker<'_> {
    /// Injects faults for this long, then clears them and resumes what was stopped.
    pub(crate) async fn run(&self, lasts: Duration) {
        let until = Instant::now() + lasts;
        self.gateway.faults().seed(self.seed);
        self.gateway.faults().everywhere(self.rules());
        self.gateway.faults().function("inspect", self.rules_of_inspection());
        self.gateway.faults().store_rules(self.store_rules());
        self.gateway.faults().pushes(self.push_rules());
        self.gateway.faults().queues(self.queue_rules());
        tokio::join!(self.break_databases(until), self.sweep_files(until));
        self.gateway.faults().clear();
        self.recorder.note(None, "nothing is broken any more");
        for _ in 0..4 {
            // A signal that was due when the faults ended may arrive after the first round.
            sleep(Duration::from_millis(100)).await;
            self.gateway.faults().resume_all();
        }
    }

    fn rules(&self) -> Rules {
        let mut rules = Rules::default();
        if self.plan.has(Fault::KillFunction) {
            rules.kill = Delay::sometimes(0.03, Span::millis(0..=60));
        }
        if self.plan.has(Fault::StopFunction) {
            rules.stop = Delay::sometimes(0.03, Span::millis(0..=60));
            rules.stopped_for = Span { from: Duration::from_millis(50), to: LONGEST_STOP };
        }
        if self.plan.has(Fault::CutFrozen) {
            rules.cut_frozen = Delay::sometimes(0.1, Span::millis(0..=2000));
        }
        if self.plan.has(Fault::Events) {
            rules.delay = Delay::sometimes(0.1, Span::millis(1..=400));
            rules.drop = 0.01;
            rules.duplicate = 0.03;
            rules.lose_disconnect = 0.3;
        }
        if self.plan.has(Fault::LoseAnswers) {
            rules.lose_answer = 0.02;
            rules.fail_answer = 0.02;
        }
        rules
    }

    fn push_rules(&self) -> PushRules {
        if !self.plan.has(Fault::Events) {
            return PushRules::default();
        }
        PushRules {
            drop: 0.03,
            duplicate: 0.05,
            delay: Delay::sometimes(0.1, Span::millis(1..=900)),
            reorder: 0.05,
            gone: 0.003,
            limited: 0.02,
        }
    }

    fn queue_rules(&self) -> QueueRules {
        if !self.plan.has(Fault::Events) {
            return QueueRules::default();
        }
        QueueRules { drop: 0.03, duplicate: 0.05, delay: Delay::sometimes(0.1, Span::millis(1..=900)), reorder: 0.05 }
    }

    /// Clients upload little, so that few events would be lost.
    fn rules_of_inspection(&self) -> Rules {
        let rules = self.rules();
        if !self.plan.has(Fault::Events) {
            return rules;
        }
        Rules { delay: Delay::sometimes(0.3, Span::millis(1..=1500)), drop: 0.1, duplicate: 0.1, ..rules }
    }

    fn store_rules(&self) -> StoreRules {
        if !self.plan.has(Fault::Store) {
            return StoreRules::default();
        }
        StoreRules { unavailable: 0.05, slow: Delay::sometimes(0.1, Span::millis(1..=400)), reset: 0.03 }
    }

    /// Runs the schedules of files more often than they come, at odd times, and now and then twice at once.
    async fn sweep_files(&self, until: Instant) {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        random.set_stream(u64::MAX - 1);
        loop {
            let wait = Duration::from_millis(random.random_range(500..4000));
            if Instant::now() + wait > until {
                return sleep_until(until).await;
            }
            sleep(wait).await;
            let copies = if random.random_ratio(1, 4) { 2 } else { 1 };
            let sweeps = (0..copies).map(|_| async {
                // A run that fails is followed by the next one, as by the schedule.
                let _ = self.gateway.invoke("inspect", json!({ "catch_up": true })).await;
                let _ = self.gateway.invoke("sweep-files", json!({})).await;
            });
            let _ = timeout_at(until, join_all(sweeps)).await;
        }
    }

    async fn break_databases(&self, until: Instant) {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        random.set_stream(u64::MAX);
        let kinds: Vec<Fault> = [Fault::KillMongod, Fault::StopMongod, Fault::KillMysqld]
            .into_iter()
            .filter(|kind| self.plan.has(*kind))
            .collect();
        loop {
            let wait = Duration::from_millis(random.random_range(2500..6000));
            if kinds.is_empty() || Instant::now() + wait > until {
                return sleep_until(until).await;
            }
            sleep(wait).await;
            let pause = Duration::from_millis(random.random_range(0..1500));
            let Some(kind) = kinds.get(random.random_range(0..kinds.len())) else { return };
            self.break_database(*kind, pause).await;
            *self.broken.borrow_mut().entry(*kind).or_default() += 1;
        }
    }

    async fn break_database(&self, kind: Fault, pause: Duration) {
        let name = if kind == Fault::KillMysqld { "the MySQL server" } else { "mongod" };
        let how = if kind == Fault::StopMongod { "stopped" } else { "killed" };
        self.recorder.note(None, format!("{name} is {how}"));
        let back = match kind {
            Fault::KillMysqld => {
                self.databases.kill_mysqld().await;
                sleep(pause).await;
                self.databases.restart_mysqld().await
            }
            Fault::StopMongod => {
                self.databases.pause_mongod().await;
                sleep(pause * 2).await;
                self.databases.resume_mongod();
                Ok(())
            }
            _ => {
                self.databases.kill_mongod().await;
                sleep(pause).await;
                self.databases.restart_mongod().await
            }
        };
        match back {
            Ok(()) => self.recorder.note(None, format!("{name} is back")),
            Err(error) => self.recorder.note(None, format!("{name} does not come back: {error:#}")),
        }
    }
}

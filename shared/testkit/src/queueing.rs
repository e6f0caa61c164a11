//! What is sent to queues.
#![expect(clippy::expect_used, clippy::missing_panics_doc, reason = "a test ends where its set-up fails")]

use futures_util::future::BoxFuture;
use queue::{Job, Queue};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    future::ready,
    mem::take,
    sync::{Mutex, MutexGuard},
};

/// A queue that keeps every job, and takes none while it is away.
#[derive(Debug, Default)]
pub struct RecordedQueue(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    jobs: Vec<Job>,
    sends: usize,
    is_away: bool,
    refused: BTreeSet<usize>,
}

impl RecordedQueue {
    /// Every job that was taken and is not read yet, in order.
    pub fn all(&self) -> Vec<Job> {
        take(&mut self.kept().jobs)
    }

    /// The bodies of the same.
    pub fn bodies(&self) -> Vec<Value> {
        self.all().iter().map(|job| serde_json::from_str(&job.body).expect("a job is JSON")).collect()
    }

    /// How many sends there were, whatever became of them.
    pub fn sends(&self) -> usize {
        self.kept().sends
    }

    /// From now on no job is taken.
    pub fn go_away(&self) {
        self.kept().is_away = true;
    }

    /// Jobs are taken again.
    pub fn come_back(&self) {
        self.kept().is_away = false;
    }

    /// From now on these jobs of each send are refused, and no others.
    pub fn refuse(&self, indexes: &[usize]) {
        self.kept().refused = indexes.iter().copied().collect();
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().expect("no test panics while it records")
    }
}

impl Queue for RecordedQueue {
    fn send<'a>(&'a self, jobs: &'a [Job]) -> BoxFuture<'a, Vec<usize>> {
        let mut kept = self.kept();
        kept.sends += 1;
        let is_refused = |index: &usize| kept.is_away || kept.refused.contains(index);
        let (refused, taken): (Vec<_>, Vec<_>) = (0..jobs.len()).partition(is_refused);
        kept.jobs.extend(taken.into_iter().map(|index| jobs[index].clone()));
        Box::pin(ready(refused))
    }
}

//! What something makes that costs, counted at a running stack.

use std::{
    collections::BTreeMap,
    ops::{Add, Mul, Sub},
    time::Duration,
};

use anyhow::{Result, ensure};
use stack::{Operations, Stack};
use tokio::time::{Instant, sleep};

use crate::{
    bench::{figures::count, functions::memory_sizes},
    prices as price,
};

/// How long nothing happens once everything has that will.
const QUIET: Duration = Duration::from_millis(500);
/// How long that may take.
const PATIENCE: Duration = Duration::from_mins(2);

/// What something makes each time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Counted {
    pub(super) frames_in: f64,
    /// Answers and pushes.
    pub(super) frames_out: f64,
    /// Of the frames out.
    pub(super) gigabytes: f64,
    pub(super) invocations: f64,
    pub(super) gigabyte_seconds: f64,
    pub(super) queue_requests: f64,
    /// Commands to MongoDB, which is not paid by these.
    pub(super) operations: f64,
}

impl Counted {
    /// Dollars at list prices.
    pub(super) fn cost(&self) -> f64 {
        (self.frames_in + self.frames_out) * price::FRAME
            + self.gigabytes * price::GIGABYTE_OUT
            + self.invocations * price::INVOCATION
            + self.gigabyte_seconds * price::GIGABYTE_SECOND
            + self.queue_requests * price::QUEUE_REQUEST
    }

    fn with(self, other: Self, combine: impl Fn(f64, f64) -> f64) -> Self {
        Self {
            frames_in: combine(self.frames_in, other.frames_in),
            frames_out: combine(self.frames_out, other.frames_out),
            gigabytes: combine(self.gigabytes, other.gigabytes),
            invocations: combine(self.invocations, other.invocations),
            gigabyte_seconds: combine(self.gigabyte_seconds, other.gigabyte_seconds),
            queue_requests: combine(self.queue_requests, other.queue_requests),
            operations: combine(self.operations, other.operations),
        }
    }
}

impl Add for Counted {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.with(other, |one, other| one + other)
    }
}

impl Sub for Counted {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self.with(other, |one, other| one - other)
    }
}

impl Mul<f64> for Counted {
    type Output = Self;

    fn mul(self, times: f64) -> Self {
        self.with(self, |one, _| one * times)
    }
}

/// Counts what happens at a stack. Its queues may be fast, and its schedules must rest.
pub(super) struct Counter<'s> {
    stack: &'s Stack,
    operations: Operations,
    /// Of each function, in gigabytes.
    memory: BTreeMap<String, f64>,
}

impl<'s> Counter<'s> {
    pub(super) async fn new(stack: &'s Stack) -> Result<Self> {
        let memory = memory_sizes()?.into_iter().map(|(name, size)| (name, f64::from(size) / 1024.0)).collect();
        Ok(Self { stack, operations: stack.count_operations().await?, memory })
    }

    /// What some work makes, and all that follows from it, each of so many times that it does something.
    pub(super) async fn count(&self, times: u32, work: impl Future<Output = Result<()>>) -> Result<Counted> {
        let before = self.settled().await?;
        work.await?;
        Ok((self.settled().await? - before) * f64::from(times).recip())
    }

    /// What happened until now, once nothing happens any more.
    pub(super) async fn settled(&self) -> Result<Counted> {
        let until = Instant::now() + PATIENCE;
        let mut last = self.read().await?;
        loop {
            sleep(QUIET).await;
            let now = self.read().await?;
            if now == last && self.is_idle() {
                return Ok(now);
            }
            ensure!(Instant::now() < until, "the stack does not come to rest");
            last = now;
        }
    }

    fn is_idle(&self) -> bool {
        let gateway = self.stack.gateway();
        let is_over = gateway.records().iter().all(|record| record.after_response.is_some());
        is_over && gateway.queues().iter().all(|queue| queue.messages.is_empty())
    }

    async fn read(&self) -> Result<Counted> {
        let (traffic, number) = (self.stack.gateway().traffic(), |number: u64| usize::try_from(number).map(count));
        let mut counted = Counted {
            frames_in: number(traffic.frames_in)?,
            frames_out: number(traffic.frames_out)?,
            gigabytes: number(traffic.bytes_out)? / 1e9,
            queue_requests: number(traffic.queue_requests)?,
            operations: number(self.operations.total().await?)?,
            ..Counted::default()
        };
        for record in self.stack.gateway().records() {
            // What comes after the answer is paid like what comes before it, in whole milliseconds.
            let time = record.after_response.as_ref().map_or(record.duration_ms, |after| after.total_ms);
            let memory = self.memory.get(&record.function).copied().unwrap_or_default();
            counted.invocations += 1.0;
            counted.gigabyte_seconds += time.ceil() / 1000.0 * memory;
        }
        Ok(counted)
    }
}

//! Records of invocations.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::Mutex,
};

use crate::sync::lock;

const CAPACITY: usize = 100_000;

/// One invocation.
#[derive(Clone, Debug)]
pub struct InvocationRecord {
    /// The function's name.
    pub function: String,
    /// Milliseconds from the start of the process to the end of its init; `None` on a warm start.
    pub init_ms: Option<f64>,
    /// Milliseconds from handing over the event to the response, without the init.
    pub duration_ms: f64,
    /// How the response came about.
    pub outcome: Outcome,
    /// What happened after the response; `None` while the environment has not asked for the next event.
    pub after_response: Option<AfterResponse>,
}

/// What an environment did after it had responded.
#[derive(Clone, Debug, PartialEq)]
pub struct AfterResponse {
    /// Milliseconds from handing over the event to the end of all work for it, without the init.
    pub total_ms: f64,
    /// `Success` where the environment went on to the next event, else how it ended.
    pub outcome: Outcome,
}

/// How an invocation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// The function answered.
    Success,
    /// The function reported an error of its own.
    FunctionError,
    /// The process ended in the middle, by itself or by a fault.
    Crash,
    /// The process was killed because it took longer than its timeout.
    Timeout,
    /// No process finished its init.
    InitError,
    /// No environment was free and the limit was reached.
    Throttled,
    /// The event or the answer was larger than Lambda takes.
    TooLarge,
}

/// A ring of the latest invocations.
#[derive(Debug, Default)]
pub(crate) struct Records(Mutex<Ring>);

#[derive(Debug, Default)]
struct Ring {
    records: VecDeque<InvocationRecord>,
    /// How many left the ring at its front.
    dropped: usize,
}

/// Finds a record again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RecordNumber(usize);

impl Records {
    pub(crate) fn push(&self, record: InvocationRecord) -> RecordNumber {
        let mut ring = lock(&self.0);
        if ring.records.len() == CAPACITY {
            ring.records.pop_front();
            ring.dropped += 1;
        }
        ring.records.push_back(record);
        RecordNumber(ring.dropped + ring.records.len() - 1)
    }

    /// Notes what happened after the response, unless the record has left the ring.
    pub(crate) fn complete(&self, number: RecordNumber, after_response: AfterResponse) {
        let mut ring = lock(&self.0);
        let index = number.0.checked_sub(ring.dropped);
        if let Some(record) = index.and_then(|index| ring.records.get_mut(index)) {
            record.after_response = Some(after_response);
        }
    }

    pub(crate) fn all(&self) -> Vec<InvocationRecord> {
        lock(&self.0).records.iter().cloned().collect()
    }
}

/// Invocations of one function in numbers; milliseconds throughout.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// All invocations, throttled ones included.
    pub invocations: usize,
    /// Those that waited for a new environment.
    pub cold_starts: usize,
    /// Those that did not end in success.
    pub failures: usize,
    /// Median and 99th percentile of the inits.
    pub init: Option<(f64, f64)>,
    /// Median and 99th percentile of the durations of successful warm invocations.
    pub warm: Option<(f64, f64)>,
    /// Median and 99th percentile of the durations of successful cold invocations, without the init.
    pub cold: Option<(f64, f64)>,
    /// The same as `warm`, but with the work after the response.
    pub total: Option<(f64, f64)>,
}

/// Sums invocations up, by function.
pub fn summarize(records: &[InvocationRecord]) -> BTreeMap<String, Summary> {
    let mut by_function: BTreeMap<&str, Vec<&InvocationRecord>> = BTreeMap::new();
    for record in records {
        by_function.entry(&record.function).or_default().push(record);
    }
    let summary = |records: &[&InvocationRecord]| {
        let succeeded = || records.iter().filter(|record| record.outcome == Outcome::Success);
        let warm = || succeeded().filter(|record| record.init_ms.is_none());
        Summary {
            invocations: records.len(),
            cold_starts: records.iter().filter(|record| record.init_ms.is_some()).count(),
            failures: records.len() - succeeded().count(),
            init: percentiles(records.iter().filter_map(|record| record.init_ms)),
            warm: percentiles(warm().map(|it| it.duration_ms)),
            cold: percentiles(succeeded().filter(|it| it.init_ms.is_some()).map(|it| it.duration_ms)),
            total: percentiles(warm().filter_map(|it| it.after_response.as_ref()).map(|it| it.total_ms)),
        }
    };
    by_function.into_iter().map(|(name, records)| (name.to_owned(), summary(&records))).collect()
}

fn percentiles(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let at = |percent: usize| values.get((values.len() * percent / 100).min(values.len().saturating_sub(1))).copied();
    Some((at(50)?, at(99)?))
}

impl fmt::Display for Summary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} invocations, {} cold, {} failed", self.invocations, self.cold_starts, self.failures)?;
        for (name, pair) in [("init", self.init), ("cold", self.cold), ("warm", self.warm), ("total", self.total)] {
            if let Some((median, high)) = pair {
                write!(formatter, "; {name} p50 {median:.1} ms, p99 {high:.1} ms")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(init_ms: Option<f64>, duration_ms: f64, outcome: Outcome) -> InvocationRecord {
        InvocationRecord { function: "echo".into(), init_ms, duration_ms, outcome, after_response: None }
    }

    #[test]
    fn summary_tells_cold_from_warm() {
        let records = [
            record(Some(20.0), 5.0, Outcome::Success),
            record(None, 1.0, Outcome::Success),
            record(None, 2.0, Outcome::Success),
            record(None, 900.0, Outcome::Timeout),
        ];

        let summary = &summarize(&records)["echo"];

        assert_eq!((summary.invocations, summary.cold_starts, summary.failures), (4, 1, 1));
        assert_eq!(summary.init, Some((20.0, 20.0)));
        assert_eq!(summary.warm, Some((2.0, 2.0)));
        assert_eq!(summary.total, None);
    }

    #[test]
    fn record_is_completed_until_it_leaves_the_ring() {
        let records = Records::default();
        let after = |total_ms| AfterResponse { total_ms, outcome: Outcome::Success };

        let oldest = records.push(record(None, 1.0, Outcome::Success));
        let second = records.push(record(None, 2.0, Outcome::Success));
        for _ in 2..=CAPACITY {
            records.push(record(None, 3.0, Outcome::Success));
        }
        records.complete(oldest, after(10.0));
        records.complete(second, after(20.0));

        assert_eq!(records.all()[0].after_response, Some(after(20.0)));
        assert_eq!(records.all()[1].after_response, None);
    }
}

//! What the gateway remembers of invocations.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::Mutex,
};

const CAPACITY: usize = 100_000;

/// One invocation as the gateway saw it.
#[derive(Clone, Debug)]
pub struct InvocationRecord {
    /// The function's name.
    pub function: String,
    /// Milliseconds from the start of the process to its first question for work; `None` on a warm start.
    pub init_ms: Option<f64>,
    /// Milliseconds from handing over the event to the answer, without the init.
    pub duration_ms: f64,
    /// How it ended.
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
    /// The process was killed because it took longer than the template allows.
    Timeout,
    /// No process got as far as asking for work.
    InitError,
    /// No environment was free and the limit was reached.
    Throttled,
    /// The event or the answer was larger than Lambda takes.
    TooLarge,
}

/// A ring of the latest invocations.
#[derive(Debug, Default)]
pub(crate) struct Records(Mutex<VecDeque<InvocationRecord>>);

impl Records {
    pub(crate) fn push(&self, record: InvocationRecord) {
        let mut ring = crate::lock(&self.0);
        if ring.len() == CAPACITY {
            ring.pop_front();
        }
        ring.push_back(record);
    }

    pub(crate) fn all(&self) -> Vec<InvocationRecord> {
        crate::lock(&self.0).iter().cloned().collect()
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
}

/// Sums invocations up, by function.
pub fn summarize(records: &[InvocationRecord]) -> BTreeMap<String, Summary> {
    let mut by_function: BTreeMap<&str, Vec<&InvocationRecord>> = BTreeMap::new();
    for record in records {
        by_function.entry(&record.function).or_default().push(record);
    }
    let summary = |records: &[&InvocationRecord]| {
        let succeeded = || records.iter().filter(|record| record.outcome == Outcome::Success);
        Summary {
            invocations: records.len(),
            cold_starts: records.iter().filter(|record| record.init_ms.is_some()).count(),
            failures: records.len() - succeeded().count(),
            init: percentiles(records.iter().filter_map(|record| record.init_ms)),
            warm: percentiles(succeeded().filter(|it| it.init_ms.is_none()).map(|it| it.duration_ms)),
            cold: percentiles(succeeded().filter(|it| it.init_ms.is_some()).map(|it| it.duration_ms)),
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
        for (name, pair) in [("init", self.init), ("cold", self.cold), ("warm", self.warm)] {
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

    #[test]
    fn a_summary_tells_cold_from_warm() {
        let record =
            |init_ms, duration_ms, outcome| InvocationRecord { function: "echo".into(), init_ms, duration_ms, outcome };
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
    }
}

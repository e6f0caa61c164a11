use domain::Usage;
use serde_json::{Map, Value, json};
use std::{
    sync::{Mutex, OnceLock, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// The memory of the function, in gigabytes; unknown outside Lambda.
static MEMORY: OnceLock<f64> = OnceLock::new();

/// When the invocation under way began.
static BEGUN: Mutex<Option<Instant>> = Mutex::new(None);

/// What an invocation has cost so far, in what AWS bills.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    gigabyte_seconds: f64,
    usage: Usage,
}

impl Cost {
    /// Begins to count for an invocation.
    pub fn begin() {
        Usage::begin();
        *BEGUN.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Logs what the invocation cost, at debug level.
    pub fn log() {
        let Some(Self { gigabyte_seconds, usage }) = Self::so_far() else { return };
        let Usage { gateway_messages, store_operations } = usage;
        tracing::debug!(gigabyte_seconds, gateway_messages, store_operations, "Answered");
    }

    /// What the invocation under way has cost, if there is one.
    pub(crate) fn so_far() -> Option<Self> {
        let begun = (*BEGUN.lock().unwrap_or_else(PoisonError::into_inner))?;
        Some(Self::of(begun.elapsed(), *MEMORY.get()?, Usage::now()))
    }

    fn of(time: Duration, memory: f64, usage: Usage) -> Self {
        // Lambda bills whole milliseconds; more digits would say nothing.
        let gigabyte_seconds = (time.as_secs_f64() * memory * 1e6).round() / 1e6;
        Self { gigabyte_seconds, usage }
    }

    /// Adds it to a line that is written anyway.
    pub(crate) fn note(self, line: &mut Map<String, Value>) {
        line.insert("gigabyte_seconds".to_owned(), json!(self.gigabyte_seconds));
        line.insert("gateway_messages".to_owned(), json!(self.usage.gateway_messages));
        if self.usage.store_operations > 0 {
            line.insert("store_operations".to_owned(), json!(self.usage.store_operations));
        }
    }
}

/// Notes the function's memory, in megabytes as Lambda has it.
pub(crate) fn note_memory(megabytes: &str) {
    if let Ok(megabytes) = megabytes.parse::<u32>() {
        // A second call changes nothing.
        let _ = MEMORY.set(f64::from(megabytes) / 1_024.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_costs_by_memory() {
        let usage = Usage { gateway_messages: 3, store_operations: 0 };
        let mut line = Map::new();
        Cost::of(Duration::from_millis(40), 0.25, usage).note(&mut line);
        assert_eq!(Value::Object(line), json!({ "gigabyte_seconds": 0.01, "gateway_messages": 3 }));
    }
}

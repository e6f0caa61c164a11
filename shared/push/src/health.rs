use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
};

/// How many calls are looked at.
const CALLS: usize = 20;

/// How the services answered in this invocation: one that is away or busy for half of the last calls
/// is left alone.
#[derive(Debug, Default)]
pub(crate) struct Health(Mutex<HashMap<String, Calls>>);

#[derive(Debug, Default)]
struct Calls {
    /// Whether each of the last calls failed.
    last: VecDeque<bool>,
    is_left: bool,
}

impl Health {
    /// A new invocation: what failed in the last one is tried again.
    pub(crate) fn begin(&self) {
        self.with(HashMap::clear);
    }

    pub(crate) fn is_left(&self, service: &str) -> bool {
        self.with(|services| services.get(service).is_some_and(|calls| calls.is_left))
    }

    /// Notes a call; answers whether the service is left alone from now on.
    pub(crate) fn note(&self, service: &str, has_failed: bool) -> bool {
        self.with(|services| {
            let calls = services.entry(service.to_owned()).or_default();
            calls.last.push_back(has_failed);
            if calls.last.len() > CALLS {
                calls.last.pop_front();
            }
            let failed = calls.last.iter().filter(|failed| **failed).count();
            let was_left = std::mem::replace(&mut calls.is_left, calls.last.len() == CALLS && failed * 2 >= CALLS);
            calls.is_left && !was_left
        })
    }

    fn with<T>(&self, work: impl FnOnce(&mut HashMap<String, Calls>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn service_that_fails_for_half_of_twenty_calls_is_left_alone() {
        let health = Health::default();
        for call in 0..19 {
            assert!(!health.note("fcm", call % 2 == 0));
        }
        assert!(!health.is_left("fcm"));
        assert!(health.note("fcm", false));
        assert!(health.is_left("fcm") && !health.is_left("apns"));

        health.begin();
        assert!(!health.is_left("fcm"));
    }

    #[test]
    fn nine_failures_of_twenty_are_borne() {
        let health = Health::default();
        for call in 0..100 {
            assert!(!health.note("fcm", call % 20 < 9));
        }
    }
}

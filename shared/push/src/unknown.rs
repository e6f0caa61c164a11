use domain::Timestamp;
use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
};

/// How long an answer counts, in minutes.
const MINUTES: i64 = 60;

/// Of fewer answers no share is taken.
const FEWEST: u32 = 20;

/// How many answers of a hundred may say that a device is unknown.
const MOST_PERCENT: u32 = 20;

/// How many devices each service said in the last hour that it does not know.
#[derive(Debug, Default)]
pub(crate) struct Unknown(Mutex<HashMap<&'static str, VecDeque<Minute>>>);

/// The answers of one minute.
#[derive(Debug)]
struct Minute {
    at: i64,
    answers: u32,
    unknown: u32,
}

impl Unknown {
    pub(crate) fn note(&self, service: &'static str, is_unknown: bool, now: Timestamp) {
        let mut services = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (minutes, at) = (services.entry(service).or_default(), minute(now));
        if minutes.back().is_none_or(|last| last.at != at) {
            minutes.retain(|minute| at - minute.at < MINUTES);
            minutes.push_back(Minute { at, answers: 0, unknown: 0 });
        }
        if let Some(last) = minutes.back_mut() {
            last.answers += 1;
            last.unknown += u32::from(is_unknown);
        }
    }

    pub(crate) fn are_too_many(&self, service: &str, now: Timestamp) -> bool {
        let services = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let minutes = services.get(service).into_iter().flatten();
        let recent = minutes.filter(|it| minute(now) - it.at < MINUTES);
        let (answers, unknown) = recent.fold((0, 0), |(all, unknown), it| (all + it.answers, unknown + it.unknown));
        answers >= FEWEST && unknown * 100 > answers * MOST_PERCENT
    }
}

fn minute(now: Timestamp) -> i64 {
    now.seconds() / 60
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const NOON: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    #[test]
    fn more_than_a_fifth_of_twenty_answers_is_too_much_for_an_hour() {
        let unknown = Unknown::default();
        for answer in 0..20 {
            assert!(!unknown.are_too_many("fcm", NOON), "{answer}");
            unknown.note("fcm", answer < 4, NOON);
        }
        assert!(!unknown.are_too_many("fcm", NOON), "a fifth is borne");

        unknown.note("fcm", true, NOON);
        assert!(unknown.are_too_many("fcm", NOON) && !unknown.are_too_many("apns", NOON));
        assert!(!unknown.are_too_many("fcm", NOON.plus(Duration::from_hours(1))));
    }

    #[test]
    fn nineteen_unknown_devices_alone_are_believed() {
        let unknown = Unknown::default();
        for _ in 0..19 {
            unknown.note("fcm", true, NOON);
        }
        assert!(!unknown.are_too_many("fcm", NOON));
        unknown.note("fcm", true, NOON);
        assert!(unknown.are_too_many("fcm", NOON));
    }
}

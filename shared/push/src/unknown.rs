use domain::{
    Timestamp,
    notification::{Answers, Platform},
};
use std::{
    collections::{HashMap, VecDeque},
    mem,
    sync::{Mutex, PoisonError},
};

/// How long an answer counts, in minutes.
const MINUTES: i64 = 60;

/// How many devices each service said that it does not know: to this environment in the last hour, and since the last count of what
/// all environments were answered.
#[derive(Debug, Default)]
pub(crate) struct Unknown(Mutex<Noted>);

#[derive(Debug, Default)]
struct Noted {
    /// The answers of each minute, the oldest first.
    minutes: HashMap<Platform, VecDeque<(i64, Answers)>>,
    uncounted: HashMap<Platform, Answers>,
}

impl Unknown {
    pub(crate) fn note(&self, service: Platform, is_unknown: bool, now: Timestamp) {
        let (at, answer) = (minute(now), Answers { all: 1, unknown: i64::from(is_unknown) });
        self.with(|noted| {
            add(&mut noted.uncounted, service, answer);
            let minutes = noted.minutes.entry(service).or_default();
            match minutes.back_mut() {
                Some((last, answers)) if *last == at => *answers = answers.and(answer),
                _ => {
                    minutes.retain(|(minute, _)| at - minute < MINUTES);
                    minutes.push_back((at, answer));
                }
            }
        });
    }

    pub(crate) fn are_too_many(&self, service: Platform, now: Timestamp) -> bool {
        let sum = self.with(|noted| {
            let minutes = noted.minutes.get(&service).into_iter().flatten();
            let recent = minutes.filter(|(at, _)| minute(now) - at < MINUTES);
            recent.fold(Answers::default(), |sum, (_, answers)| sum.and(*answers))
        });
        sum.know_too_few()
    }

    /// What was noted since the last time.
    pub(crate) fn take_uncounted(&self) -> HashMap<Platform, Answers> {
        self.with(|noted| mem::take(&mut noted.uncounted))
    }

    /// Keeps what could not be counted for the next time.
    pub(crate) fn give_back(&self, uncounted: HashMap<Platform, Answers>) {
        self.with(|noted| {
            for (service, answers) in uncounted {
                add(&mut noted.uncounted, service, answers);
            }
        });
    }

    fn with<T>(&self, work: impl FnOnce(&mut Noted) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn add(services: &mut HashMap<Platform, Answers>, service: Platform, more: Answers) {
    let answers = services.entry(service).or_default();
    *answers = answers.and(more);
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
    fn service_that_knows_too_few_is_not_believed_for_an_hour() {
        let unknown = Unknown::default();
        for answer in 0..20 {
            assert!(!unknown.are_too_many(Platform::Fcm, NOON), "{answer}");
            unknown.note(Platform::Fcm, answer < 4, NOON);
        }
        assert!(!unknown.are_too_many(Platform::Fcm, NOON), "a fifth is borne");

        unknown.note(Platform::Fcm, true, NOON);
        assert!(unknown.are_too_many(Platform::Fcm, NOON) && !unknown.are_too_many(Platform::Apns, NOON));
        assert!(!unknown.are_too_many(Platform::Fcm, NOON.plus(Duration::from_hours(1))));
    }

    #[test]
    fn each_answer_is_counted_once() {
        let unknown = Unknown::default();
        let count = |all, unknown| HashMap::from([(Platform::Fcm, Answers { all, unknown })]);
        for is_unknown in [true, false] {
            unknown.note(Platform::Fcm, is_unknown, NOON);
        }
        assert_eq!(unknown.take_uncounted(), count(2, 1));
        assert_eq!(unknown.take_uncounted(), HashMap::new());

        unknown.note(Platform::Fcm, false, NOON);
        unknown.give_back(count(2, 1));
        assert_eq!(unknown.take_uncounted(), count(3, 1));
    }
}

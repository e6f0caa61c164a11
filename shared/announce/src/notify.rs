use crate::Announcer;
use domain::{RoomKey, Timestamp};
use queue::{Job, Jobs, PushJob};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// The shortest time between two checks of a room whose members are all active.
const ONE_CHECK_IN: Duration = Duration::from_secs(20);

/// The number of recently checked rooms that an environment remembers.
const MOST_CHECKED: usize = 1_000;

/// The queue of what devices may have to be told, and which rooms this environment had looked at.
#[derive(Debug, Clone)]
pub(crate) struct Notifier {
    jobs: Jobs,
    checked: Arc<Mutex<HashMap<RoomKey, Timestamp>>>,
}

impl Notifier {
    pub(crate) fn new(jobs: Jobs) -> Self {
        Self { jobs, checked: Arc::default() }
    }

    pub(crate) const fn jobs(&self) -> &Jobs {
        &self.jobs
    }

    /// Whether a room has no recent check; notes one.
    fn is_first_check(&self, room: RoomKey, now: Timestamp) -> bool {
        let mut checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        if checked.get(&room).is_some_and(|at| now < at.plus(ONE_CHECK_IN)) {
            return false;
        }
        if checked.len() >= MOST_CHECKED {
            checked.retain(|_, at| now < at.plus(ONE_CHECK_IN));
        }
        if checked.len() < MOST_CHECKED {
            checked.insert(room, now);
        }
        true
    }

    fn forget_check(&self, room: RoomKey) {
        self.checked.lock().unwrap_or_else(PoisonError::into_inner).remove(&room);
    }
}

impl Announcer {
    /// The same with a queue of notifications; without one devices get none.
    #[must_use]
    pub fn with_notifications(self, jobs: Option<Jobs>) -> Self {
        Self { notifier: jobs.map(Notifier::new), ..self }
    }

    /// Whether devices are told of anything.
    pub fn has_notifications(&self) -> bool {
        self.notifier.is_some()
    }

    /// Whether this environment has not recently checked a room whose members are all active; notes a check. Best effort: another
    /// environment may check the room as well.
    pub fn is_first_check(&self, room: RoomKey) -> bool {
        self.notifier.as_ref().is_some_and(|notifier| notifier.is_first_check(room, self.clock.now()))
    }

    /// Forgets the check of a room that could not be queued, so that the next message queues one.
    pub fn forget_check(&self, room: RoomKey) {
        if let Some(notifier) = &self.notifier {
            notifier.forget_check(room);
        }
    }

    /// Queues notification jobs, each with its delay. Returns the index of each job that the queue may not have taken.
    pub async fn notify(&self, looks: &[(PushJob, Duration)]) -> Vec<usize> {
        let Some(notifier) = &self.notifier else { return Vec::new() };
        let jobs: Vec<Job> = looks.iter().map(|(look, delay)| look.to_job(*delay)).collect();
        notifier.jobs.send(&jobs).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::RoomId;
    use futures_util::future::BoxFuture;
    use queue::Queue;

    #[derive(Debug)]
    struct Nowhere;

    impl Queue for Nowhere {
        fn send<'a>(&'a self, _: &'a [Job]) -> BoxFuture<'a, Vec<usize>> {
            Box::pin(async { Vec::new() })
        }
    }

    const NOON: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    fn room(id: i32) -> RoomKey {
        RoomKey::private(RoomId(id))
    }

    #[test]
    fn a_room_is_checked_once_in_twenty_seconds() {
        let notifier = Notifier::new(Arc::new(Nowhere));
        let looks = [0, 19, 20, 39].map(|s| notifier.is_first_check(room(1), NOON.plus(Duration::from_secs(s))));
        assert_eq!(looks, [true, false, true, false]);
        assert!(notifier.is_first_check(room(2), NOON));
        notifier.forget_check(room(2));
        assert!(notifier.is_first_check(room(2), NOON));
    }

    #[test]
    fn rooms_beyond_the_remembered_ones_are_checked_each_time() {
        let notifier = Notifier::new(Arc::new(Nowhere));
        for id in 0..1_100 {
            assert!(notifier.is_first_check(room(id), NOON));
        }
        assert!(!notifier.is_first_check(room(999), NOON));
        assert!(notifier.is_first_check(room(1_050), NOON));
        assert!(notifier.is_first_check(room(1_051), NOON.plus(ONE_CHECK_IN)), "the others are forgotten");
        assert!(!notifier.is_first_check(room(1_051), NOON.plus(ONE_CHECK_IN)));
    }
}

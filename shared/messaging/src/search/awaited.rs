use domain::Timestamp;
use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

/// For how long it is believed that it has not come true.
const LOOK: Duration = Duration::from_mins(1);

const UNKNOWN: i64 = i64::MIN;
const TRUE: i64 = i64::MAX;

/// Something that comes true once and stays so, which an environment looks at once a minute until then.
#[derive(Debug, Clone)]
pub(super) struct Awaited {
    /// When it was last seen not to be true.
    missing_at: Arc<AtomicI64>,
}

impl Awaited {
    /// Whether it is true; `None` if it is time to look.
    pub(super) fn known(&self, now: Timestamp) -> Option<bool> {
        match self.missing_at.load(Ordering::Relaxed) {
            TRUE => Some(true),
            UNKNOWN => None,
            missing_at => (now < Timestamp::from_millis(missing_at).plus(LOOK)).then_some(false),
        }
    }

    /// Notes what was seen.
    pub(super) fn note(&self, is_true: bool, now: Timestamp) {
        self.missing_at.store(if is_true { TRUE } else { now.millis() }, Ordering::Relaxed);
    }
}

impl Default for Awaited {
    fn default() -> Self {
        Self { missing_at: Arc::new(AtomicI64::new(UNKNOWN)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    #[test]
    fn what_is_missing_is_looked_for_a_minute_later() {
        let awaited = Awaited::default();
        assert_eq!(awaited.known(NOW), None);

        awaited.note(false, NOW);

        let soon = NOW.plus(LOOK).minus(Duration::from_millis(1));
        assert_eq!((awaited.known(soon), awaited.known(NOW.plus(LOOK))), (Some(false), None));
    }

    #[test]
    fn what_has_come_true_is_never_looked_at_again() {
        let awaited = Awaited::default();
        awaited.note(false, NOW);

        awaited.note(true, NOW);

        assert_eq!(awaited.clone().known(NOW.plus(Duration::from_hours(1_000))), Some(true));
    }
}

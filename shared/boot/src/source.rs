use domain::{Clock, Random, Timestamp};
use std::time::{SystemTime, UNIX_EPOCH};

/// The system's clock.
pub fn clock() -> Clock {
    Clock(system_time)
}

/// The system's generator of unpredictable bytes.
pub fn random() -> Random {
    Random(system_random)
}

#[expect(clippy::disallowed_methods, reason = "this is the clock that everyone else is handed")]
fn system_time() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

#[expect(clippy::disallowed_methods, reason = "this is the generator that everyone else is handed")]
fn system_random(bytes: &mut [u8]) {
    if aws_lc_rs::rand::fill(bytes).is_err() {
        // Without randomness no id and no token may be made.
        std::process::abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_bytes_differ() {
        assert_ne!(random().bytes::<16>(), random().bytes::<16>());
    }

    #[test]
    fn clock_is_past_2026() {
        assert!(clock().now() > Timestamp::from_millis(1_790_000_000_000));
    }
}

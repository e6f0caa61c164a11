use std::time::Duration;

use rand::{Rng, RngExt};

/// The longest wait before the first try, in milliseconds; it doubles with each that fails.
const FIRST_MS: u64 = 1_000;
/// The longest wait of all, in milliseconds.
const LONGEST_MS: u64 = 60_000;

/// When to open another connection.
///
/// - A lost connection is opened again after a random time of up to 1 s, and twice that after each try that fails, up to 60 s: all
///   clients of a server that went away come back spread over time.
/// - At `reconnect_at` of the `ready` a new connection is opened before the old one is closed.
/// - After a fatal error that names the person's own act, `too_many_connections` or an ended session, not by itself.
/// - A native app closes in the background and comes back in the foreground.
#[derive(Clone, Debug, Default)]
pub struct Reconnect {
    failed: u32,
    at: Option<Duration>,
    stopped: bool,
}

impl Reconnect {
    /// The connection was lost, or a try failed.
    pub fn lost(&mut self, now: Duration, rng: &mut impl Rng) {
        let longest = FIRST_MS.saturating_mul(2_u64.saturating_pow(self.failed)).min(LONGEST_MS);
        self.failed += 1;
        self.at = Some(now + Duration::from_millis(rng.random_range(0..longest)));
    }

    /// A connection was greeted; it is to be replaced after this long.
    pub fn greeted(&mut self, now: Duration, lasts: Duration) {
        (self.failed, self.at) = (0, Some(now + lasts));
    }

    /// The server sent a fatal error.
    pub fn fatal(&mut self, code: &str) {
        self.stopped |= matches!(code, "too_many_connections" | "unauthenticated" | "session_revoked");
    }

    /// The person asks for a connection: they came to the foreground, or logged in again.
    pub fn asked(&mut self, now: Duration) {
        (self.failed, self.at, self.stopped) = (0, Some(now), false);
    }

    /// The app goes to the background.
    pub fn background(&mut self) {
        self.stopped = true;
    }

    /// Whether a connection is to be opened; it is said once.
    pub fn due(&mut self, now: Duration) -> bool {
        !self.stopped && self.at.take_if(|at| now >= *at).is_some()
    }
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng as _, rngs::StdRng};

    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_wait_grows_with_each_failure_up_to_a_minute() {
        let mut rng = StdRng::seed_from_u64(1);
        for (failures, longest) in [(0, 1), (1, 2), (3, 8), (9, 60)] {
            let waits: Vec<Duration> = (0..200)
                .filter_map(|_| {
                    let mut reconnect = Reconnect { failed: failures, ..Reconnect::default() };
                    reconnect.lost(at(0), &mut rng);
                    reconnect.at
                })
                .collect();
            assert!(waits.iter().all(|wait| *wait < at(longest)));
            assert!(waits.iter().any(|wait| *wait > at(longest) * 3 / 4));
            assert!(waits.iter().any(|wait| *wait < at(longest) / 4));
        }
    }

    #[test]
    fn a_connection_is_asked_for_once() {
        let mut reconnect = Reconnect::default();
        reconnect.lost(at(0), &mut StdRng::seed_from_u64(1));
        assert!(reconnect.due(at(1)));
        assert!(!reconnect.due(at(2)));
    }

    #[test]
    fn a_greeted_connection_is_replaced_in_time() {
        let mut reconnect = Reconnect::default();
        reconnect.greeted(at(0), at(6_600));
        assert!(!reconnect.due(at(6_599)));
        assert!(reconnect.due(at(6_600)));
    }

    #[test]
    fn too_many_connections_is_the_end_until_the_person_asks() {
        for (code, comes_back) in [("too_many_connections", false), ("unauthenticated", false), ("rate_limited", true)]
        {
            let mut reconnect = Reconnect::default();
            reconnect.fatal(code);
            reconnect.lost(at(0), &mut StdRng::seed_from_u64(1));
            assert_eq!(reconnect.due(at(9)), comes_back, "{code}");
            reconnect.asked(at(10));
            assert!(reconnect.due(at(10)));
        }
    }

    #[test]
    fn an_app_in_the_background_stays_away() {
        let mut reconnect = Reconnect::default();
        reconnect.background();
        reconnect.lost(at(0), &mut StdRng::seed_from_u64(1));
        assert!(!reconnect.due(at(99)));
    }
}

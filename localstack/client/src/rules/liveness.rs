use std::time::Duration;

use rand::{Rng, RngExt};

/// How much earlier than asked a ping may go out.
const JITTER_MS: u64 = 60_000;
/// An answer that takes longer makes the connection doubtful.
const DOUBT: Duration = Duration::from_secs(10);
/// A ping that is to prove the connection is answered within this time.
const PROOF: Duration = Duration::from_secs(5);

/// What a connection needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pulse {
    /// A ping with cursors; nobody waits for its answer.
    Ping,
    /// A ping with an `id`, whose `pong` proves that the connection lives.
    Probe,
    /// Another connection.
    Reconnect,
}

/// Whether a connection lives.
///
/// - `ping` when no frame was sent for `ping_s` less 0 to 60 s of jitter.
/// - After a network change, a wake-up, or 10 s without an awaited answer: `ping` with an `id`; no `pong` in 5 s is the end.
#[derive(Clone, Debug)]
pub struct Liveness {
    ping_after: Duration,
    sent_at: Duration,
    /// Since when an answer is awaited.
    awaited: Option<Duration>,
    doubted: bool,
    probed_at: Option<Duration>,
}

impl Liveness {
    /// A connection that was greeted just now.
    pub fn new(ping_s: u64, now: Duration, rng: &mut impl Rng) -> Self {
        let ping_after =
            Duration::from_secs(ping_s).saturating_sub(Duration::from_millis(rng.random_range(0..JITTER_MS)));
        Self { ping_after, sent_at: now, awaited: None, doubted: false, probed_at: None }
    }

    /// A frame was sent, whose answer is awaited or not.
    pub fn sent(&mut self, now: Duration, awaits: bool) {
        self.sent_at = now;
        if awaits {
            self.awaited.get_or_insert(now);
        }
    }

    /// Every awaited answer has come.
    pub fn answered(&mut self) {
        self.awaited = None;
    }

    /// A `pong` came: the connection lives, though an answer may be lost.
    pub fn proved(&mut self) {
        (self.awaited, self.probed_at, self.doubted) = (None, None, false);
    }

    /// The network changed, or the device woke up.
    pub fn doubt(&mut self) {
        self.doubted = true;
    }

    /// What is due.
    pub fn due(&mut self, now: Duration) -> Option<Pulse> {
        if let Some(probed) = self.probed_at {
            return (now >= probed + PROOF).then_some(Pulse::Reconnect);
        }
        if self.doubted || self.awaited.is_some_and(|since| now >= since + DOUBT) {
            (self.probed_at, self.sent_at) = (Some(now), now);
            return Some(Pulse::Probe);
        }
        if now < self.sent_at + self.ping_after {
            return None;
        }
        self.sent_at = now;
        Some(Pulse::Ping)
    }
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng as _, rngs::StdRng};

    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn liveness(seed: u64) -> Liveness {
        Liveness::new(540, at(0), &mut StdRng::seed_from_u64(seed))
    }

    #[test]
    fn a_silent_client_pings_within_the_last_minute() {
        let first = |seed| (0..600).find(|second| liveness(seed).due(at(*second)) == Some(Pulse::Ping));
        let seconds: Vec<u64> = (0..20).filter_map(first).collect();
        assert!(seconds.iter().all(|second| (480..=540).contains(second)), "{seconds:?}");
        assert!(seconds.iter().any(|second| *second != seconds[0]), "{seconds:?}");
    }

    #[test]
    fn any_frame_postpones_the_ping() {
        let mut liveness = liveness(1);
        liveness.sent(at(400), false);
        assert_eq!(liveness.due(at(800)), None);
        assert_eq!(liveness.due(at(940)), Some(Pulse::Ping));
        assert_eq!(liveness.due(at(941)), None);
    }

    #[test]
    fn an_answer_that_does_not_come_makes_a_probe() {
        let mut liveness = liveness(1);
        liveness.sent(at(1), true);
        liveness.sent(at(5), true);
        assert_eq!(liveness.due(at(10)), None);
        assert_eq!(liveness.due(at(11)), Some(Pulse::Probe));
        assert_eq!(liveness.due(at(15)), None);
        assert_eq!(liveness.due(at(16)), Some(Pulse::Reconnect));
    }

    #[test]
    fn answers_in_time_make_no_probe() {
        let mut liveness = liveness(1);
        liveness.sent(at(1), true);
        liveness.answered();
        assert_eq!(liveness.due(at(60)), None);
    }

    #[test]
    fn a_wake_up_is_proved_by_a_pong() {
        let mut liveness = liveness(1);
        liveness.doubt();
        assert_eq!(liveness.due(at(3)), Some(Pulse::Probe));
        liveness.proved();
        assert_eq!(liveness.due(at(60)), None);
    }
}

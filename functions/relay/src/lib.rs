#![doc = include_str!("../README.md")]

use domain::Fault;
use messaging::Messenger;
use projection::Projector;
use serde::Serialize;
use std::time::Duration;

/// How long a run goes on; the function's own limit is above it.
const TIME: Duration = Duration::from_secs(25);

/// How many messages a run delivers at the most.
const MOST_MESSAGES: i64 = 200;

/// How long a run goes on forgetting old sessions.
const PURGE_TIME: Duration = Duration::from_secs(5);

/// What a run did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Rooms, people and sessions that were projected.
    pub projected: usize,
    /// Messages that were stamped and pushed.
    pub delivered: usize,
    /// What is left to the next run; the log says why.
    pub failed: usize,
}

/// Makes a run: projections and deliveries at the same time, so that neither waits for the other. A store that is unavailable ends
/// its half.
pub async fn run(projector: &Projector) -> Result<Report, Fault> {
    let Projector { mongo, announcer, clock, .. } = projector.clone();
    let (messenger, until) = (Messenger { mongo, announcer, clock }, clock.now().plus(TIME));
    let (relayed, swept) = tokio::join!(projector.relay(until), messaging::sweep(&messenger, MOST_MESSAGES, until));
    let purged = projector.purge_sessions(clock.now().plus(PURGE_TIME)).await;
    let (relayed, swept, _) = (relayed?, swept?, purged?);
    Ok(Report { projected: relayed.projected, delivered: swept.delivered, failed: relayed.failed + swept.failed })
}

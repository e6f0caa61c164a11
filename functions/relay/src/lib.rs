#![doc = include_str!("../README.md")]

use domain::Fault;
use messaging::Messenger;
use projection::Projector;
use serde::Serialize;
use std::time::Duration;

/// How long each half of a run goes on; both are below the function's own limit.
const TIME: Duration = Duration::from_secs(15);

/// How many messages a run delivers at the most.
const MOST_MESSAGES: i64 = 200;

/// What a run did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Rooms, people and sessions that MongoDB knows now.
    pub projected: usize,
    /// Messages that were stamped and pushed.
    pub delivered: usize,
    /// What waits for the next run; the log says why.
    pub failed: usize,
}

/// Makes a run. A store that is away ends it.
pub async fn run(projector: &Projector) -> Result<Report, Fault> {
    let Projector { mongo, announcer, clock, .. } = projector.clone();
    let messenger = Messenger { mongo, announcer, clock };
    // Each by itself: what can't be done of the one keeps nothing of the other back.
    let relayed = projector.relay(projector.clock.now().plus(TIME)).await;
    let until = projector.clock.now().plus(TIME);
    let swept = messaging::sweep(&messenger, MOST_MESSAGES, until).await;
    let (relayed, swept) = (relayed?, swept?);
    Ok(Report { projected: relayed.projected, delivered: swept.delivered, failed: relayed.failed + swept.failed })
}

#![doc = include_str!("../README.md")]

mod deletions;
mod leave;

use deletions::Eraser;
use domain::{Fault, OrLog as _};
use messaging::Messenger;
use presence::Watcher;
use projection::Projector;
use serde::Serialize;
use std::time::Duration;

/// How long a run goes on; the function's own limit is above it.
const TIME: Duration = Duration::from_secs(25);

/// How many messages a run delivers at the most.
const MOST_MESSAGES: i64 = 200;

/// How many notifications a run queues that could not be queued before.
const MOST_NOTIFICATIONS: i64 = 500;

/// How long a run goes on forgetting old sessions.
const PURGE_TIME: Duration = Duration::from_secs(5);

/// What a run did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Report {
    /// Rooms, people and sessions that were projected.
    pub projected: usize,
    /// Messages that were stamped and pushed.
    pub delivered: usize,
    /// Deleted accounts of which nothing is left to do.
    pub erased: usize,
    /// People whose connections ended without a word.
    pub ghosts: usize,
    /// Others of whom it is looked whether they are online.
    pub looked_at: usize,
    /// What is left to the next run; the log says why.
    pub failed: usize,
}

/// Makes a run: projections, deliveries, notifications, what deleted accounts left, old sessions and who is online at the same time, so
/// that none waits for another. A store that is unavailable ends its part.
pub async fn run(projector: &Projector) -> Result<Report, Fault> {
    let Projector { mongo, announcer, clock, .. } = projector.clone();
    let presence = Watcher { mongo: mongo.clone(), announcer: announcer.clone(), clock };
    let (messenger, until) = (Messenger { mongo, announcer, clock }, clock.now().plus(TIME));
    let accounts = Eraser { projector, messenger: &messenger };
    let (relayed, swept, erased, purged, notified, watched) = tokio::join!(
        projector.relay(until),
        messaging::sweep(&messenger, MOST_MESSAGES, until),
        accounts.run(until),
        projector.purge_sessions(clock.now().plus(PURGE_TIME)),
        messaging::notify_late(&messenger, MOST_NOTIFICATIONS),
        presence.sweep(),
    );
    notified.or_log("queue notifications late");
    let (relayed, swept, erased, _, watched) = (relayed?, swept?, erased?, purged?, watched?);
    let failed = relayed.failed + swept.failed + erased.failed;
    Ok(Report {
        projected: relayed.projected,
        delivered: swept.delivered,
        erased: erased.accounts,
        ghosts: watched.ghosts,
        looked_at: watched.due,
        failed,
    })
}

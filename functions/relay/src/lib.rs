#![doc = include_str!("../README.md")]

mod deletions;
mod leave;
mod report;

pub use report::{Backlog, Report};

use deletions::Eraser;
use domain::{Fault, OrLog as _};
use messaging::Messenger;
use presence::Watcher;
use projection::Projector;
use std::time::Duration;

/// How long a run goes on; the function's own limit is above it.
const TIME: Duration = Duration::from_secs(25);

/// How many messages a run delivers at the most.
const MOST_MESSAGES: i64 = 200;

/// How many notifications a run queues that could not be queued before.
const MOST_NOTIFICATIONS: i64 = 500;

/// How long a run goes on forgetting old sessions.
const PURGE_TIME: Duration = Duration::from_secs(5);

/// How long a run goes on indexing messages of earlier versions.
const BACKFILL_TIME: Duration = Duration::from_secs(20);

/// Makes a run: projections, deliveries, notifications, what deleted accounts left, old sessions, who is online and old messages for
/// searches at the same time, so that none waits for another. A store that is unavailable ends its part.
pub async fn run(projector: &Projector) -> Result<Report, Fault> {
    let Projector { mongo, announcer, clock, .. } = projector.clone();
    let presence = Watcher { mongo: mongo.clone(), announcer: announcer.clone(), clock };
    let schema = projector.mongo.schema();
    let (messenger, until) = (Messenger { mongo, announcer, clock }, clock.now().plus(TIME));
    let accounts = Eraser { projector, messenger: &messenger };
    // Boxed, or the future is too large for callers to hold.
    let (relayed, swept, erased, purged, notified, watched, filled) = tokio::join!(
        Box::pin(projector.relay(until)),
        Box::pin(messaging::sweep(&messenger, MOST_MESSAGES, until)),
        Box::pin(accounts.run(until)),
        projector.purge_sessions(clock.now().plus(PURGE_TIME)),
        messaging::notify_late(&messenger, MOST_NOTIFICATIONS),
        presence.sweep(),
        Box::pin(schema.backfill(clock, clock.now().plus(BACKFILL_TIME))),
    );
    notified.or_log("queue notifications late");
    let (relayed, swept, erased, _, watched, filled) = (relayed?, swept?, erased?, purged?, watched?, filled?);
    Ok(Report {
        projected: relayed.projected,
        projections_failed: relayed.failed,
        delivered: swept.delivered,
        deliveries_failed: swept.failed,
        erased: erased.accounts,
        erasures_failed: erased.failed,
        ghosts: watched.ghosts,
        looked_at: watched.due,
        indexed: filled.indexed,
    })
}

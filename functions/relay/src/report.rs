use domain::{Fault, METRICS};
use projection::Projector;
use serde::Serialize;
use std::time::Duration;

/// What a run did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Report {
    /// Rooms, people and sessions that were projected.
    pub projected: usize,
    /// Rooms, people and sessions that are left to the next run; the log says why.
    pub projections_failed: usize,
    /// Messages that were stamped and pushed.
    pub delivered: usize,
    /// Messages that are left to the next run; the log says why.
    pub deliveries_failed: usize,
    /// Deleted accounts of which nothing is left to do.
    pub erased: usize,
    /// What of deleted accounts is left to the next run; the log says why.
    pub erasures_failed: usize,
    /// People whose connections ended without a word.
    pub ghosts: usize,
    /// Others of whom it is looked whether they are online.
    pub looked_at: usize,
    /// Messages of earlier versions that can be searched from now on.
    pub indexed: usize,
}

/// For how long what is left has waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Backlog {
    /// The change that is to be projected next.
    pub oldest_outbox: Duration,
    /// The message that is to be delivered next, since it was last tried.
    pub oldest_pending: Duration,
}

impl Backlog {
    /// Looks at both stores: one row each.
    pub async fn read(projector: &Projector) -> Result<Self, Fault> {
        let Projector { mysql, mongo, clock, .. } = projector;
        let (outbox, pending) = tokio::try_join!(mysql.outbox().find_oldest(), mongo.messages().find_oldest_owed())?;
        let age = |since: Option<_>| since.map_or(Duration::ZERO, |since: domain::Timestamp| since.until(clock.now()));
        Ok(Self { oldest_outbox: age(outbox), oldest_pending: age(pending) })
    }
}

impl Report {
    /// Writes the run's metrics, which alarms look at.
    pub fn tell(&self, backlog: Backlog) {
        tracing::info!(
            target: METRICS,
            Projected = self.projected,
            ProjectionsFailed = self.projections_failed,
            Delivered = self.delivered,
            DeliveriesFailed = self.deliveries_failed,
            OldestOutboxSeconds = backlog.oldest_outbox.as_secs(),
            OldestPendingSeconds = backlog.oldest_pending.as_secs(),
            erased = self.erased,
            erasures_failed = self.erasures_failed,
            ghosts = self.ghosts,
            looked_at = self.looked_at,
            indexed = self.indexed,
            "Relayed"
        );
    }
}

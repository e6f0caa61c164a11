use crate::{Projector, project::CLOCKS_DIFFER};
use domain::{Fault, Timestamp};
use std::time::Duration;

/// How long a session that is over is still known beyond the life of its tokens, so that ending it again finds it.
const KEPT: Duration = Duration::from_hours(24);

/// How many sessions one statement forgets: it holds locks on no more.
const BATCH: u32 = 1_000;

impl Projector {
    /// Forgets sessions that were over before the last of their access tokens expired, until none is left or the time is over;
    /// answers how many. A refresh token of a session that nobody knows is refused like one of an ended session.
    pub async fn purge_sessions(&self, until: Timestamp) -> Result<u64, Fault> {
        let before = self.clock.now().minus(self.token_lifetime + CLOCKS_DIFFER + KEPT);
        let mut forgotten = 0;
        loop {
            let removed = self.mysql.sessions().remove_over(before, BATCH).await?;
            forgotten += removed;
            if removed < u64::from(BATCH) || self.clock.now() >= until {
                break;
            }
        }
        if forgotten > 0 {
            tracing::info!("Forgot {forgotten} sessions that were over long ago");
        }
        Ok(forgotten)
    }
}

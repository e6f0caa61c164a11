use crate::{Projector, project::CLOCKS_DIFFER};
use domain::{Fault, Timestamp};
use std::time::Duration;

/// How long a session that is over is still known beyond the life of its tokens, so that ending it again finds it.
const KEPT: Duration = Duration::from_hours(24);

/// How many sessions one statement forgets: it holds locks on no more.
const BATCH: u32 = 1_000;

impl Projector {
    /// Forgets sessions that were over before the last of their access tokens expired, until none is left or the time is over;
    /// answers how many. Devices of those that ended by age or by idling go first: nothing else tells of such an end. A refresh token of a session that nobody knows is refused like one of an ended session.
    pub async fn purge_sessions(&self, until: Timestamp) -> Result<u64, Fault> {
        let before = self.clock.now().minus(self.token_lifetime + CLOCKS_DIFFER + KEPT);
        let mut forgotten = 0;
        loop {
            let over = self.mysql.sessions().list_over(before, BATCH).await?;
            self.mongo.devices().remove_of_logins(&over).await?;
            forgotten += self.mysql.sessions().remove_over(&over, before).await?;
            if u32::try_from(over.len()).is_ok_and(|found| found < BATCH) || self.clock.now() >= until {
                break;
            }
        }
        if forgotten > 0 {
            tracing::info!("Forgot {forgotten} sessions that were over long ago");
        }
        Ok(forgotten)
    }
}

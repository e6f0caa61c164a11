use domain::METRICS;
use serde::Serialize;
use std::time::Duration;

/// What a run did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Report {
    /// Uploads that are given to the messages that list them.
    pub given: usize,
    /// Pictures of people and groups that are kept or let go, as they are shown or not.
    pub settled: usize,
    /// Uploads whose claim ended without a message.
    pub freed: usize,
    /// Uploads that are being deleted from now on.
    pub ended: usize,
    /// Uploads whose objects were deleted.
    pub deleted: usize,
    /// What is left to the next run; the log says why.
    pub failed: usize,
    /// Quotas that were put right.
    pub corrected: usize,
    /// Objects without an upload that were deleted.
    pub orphans: usize,
    /// Objects that are missing; the log says which.
    pub missing: usize,
}

impl Report {
    /// Writes the run's metrics, which alarms look at.
    pub fn tell(&self, oldest: Duration) {
        tracing::info!(
            target: METRICS,
            UploadsEnded = self.ended,
            UploadsDeleted = self.deleted,
            FilesFailed = self.failed,
            AuditErrors = self.missing,
            OldestUploadSeconds = oldest.as_secs(),
            given = self.given,
            settled = self.settled,
            freed = self.freed,
            corrected = self.corrected,
            orphans = self.orphans,
            "Swept files"
        );
    }
}

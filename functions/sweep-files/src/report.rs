use domain::METRICS;
use serde::Serialize;
use std::{ops::AddAssign, time::Duration};

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
    /// The same, but so many that none was deleted.
    pub spared: usize,
    /// Objects that are missing; the log says which.
    pub missing: usize,
}

impl AddAssign for Report {
    fn add_assign(&mut self, other: Self) {
        let Self { given, settled, freed, ended, deleted, failed, corrected, orphans, spared, missing } = other;
        self.given += given;
        self.settled += settled;
        self.freed += freed;
        self.ended += ended;
        self.deleted += deleted;
        self.failed += failed;
        self.corrected += corrected;
        self.orphans += orphans;
        self.spared += spared;
        self.missing += missing;
    }
}

impl Report {
    /// Writes the run's metrics, which alarms look at.
    pub fn tell(&self, oldest: Duration) {
        tracing::info!(
            target: METRICS,
            UploadsEnded = self.ended,
            UploadsDeleted = self.deleted,
            FilesFailed = self.failed,
            AuditErrors = self.missing + self.spared,
            OldestUploadSeconds = oldest.as_secs(),
            given = self.given,
            settled = self.settled,
            freed = self.freed,
            corrected = self.corrected,
            orphans = self.orphans,
            spared = self.spared,
            "Swept files"
        );
    }
}

#![doc = include_str!("../README.md")]

mod audit;
mod due;
mod report;

pub use report::Report;

use domain::{Clock, Fault, OrLog as _, Timestamp, UserId};
use files::Files;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use mongo::{Mongo, Recounted};
use std::time::Duration;

/// How long a run goes on; the function's own limit is above it.
const TIME: Duration = Duration::from_secs(25);

/// Of how many deleted messages a run ends the files.
const MOST_PURGES: u16 = 200;

/// Of how many of them at once, and how much of a run's time that takes.
const PURGES_AT_ONCE: usize = 50;
const PURGES_TIME: Duration = Duration::from_secs(5);

/// How many deleted groups a run goes through.
const MOST_GROUPS: u16 = 20;

/// How much of a run's time that takes.
const GROUPS_TIME: Duration = Duration::from_secs(5);

/// Of how many people quotas are read that are due, how many are summed anew at once, and how much of a run's time that takes.
const RECOUNTS: u16 = 200;
const RECOUNTS_AT_ONCE: usize = 8;
const RECOUNTS_TIME: Duration = Duration::from_secs(5);

/// What a run works with.
#[derive(Debug, Clone)]
pub struct Sweeper {
    /// The rows.
    pub mongo: Mongo,
    /// The objects.
    pub files: Files,
    /// Tells what is due.
    pub clock: Clock,
}

impl Sweeper {
    /// Makes a run. What fails while S3 is away is counted and left to the next one.
    pub async fn run(&self) -> Result<Report, Fault> {
        let (mut report, until) = (Report::default(), self.clock.now().plus(TIME));
        self.leave_files_of_deleted_groups().await?;
        self.end_files_of_deleted_messages(&mut report).await?;
        Box::pin(self.sweep_due(until, &mut report)).await?;
        self.recount(until, &mut report).await?;
        let audited = Box::pin(self.audit(until, &mut report)).await;
        report.failed += usize::from(audited.or_log("compare files with uploads").is_none());
        Ok(report)
    }

    /// For how long the upload that is due next has waited.
    pub async fn find_oldest(&self) -> Result<Duration, Fault> {
        let now = self.clock.now();
        let oldest = self.mongo.uploads().find_oldest_due(now).await?;
        Ok(oldest.map_or(Duration::ZERO, |oldest| oldest.until(now)))
    }

    /// Makes the messages of deleted groups ones whose files are to be deleted.
    async fn leave_files_of_deleted_groups(&self) -> Result<(), Fault> {
        let (rooms, now) = (self.mongo.rooms(), self.clock.now());
        for mut ended in rooms.list_ended(now, MOST_GROUPS).await? {
            while self.clock.now() < now.plus(GROUPS_TIME) && rooms.purge_ended(&mut ended).await? {}
        }
        Ok(())
    }

    async fn end_files_of_deleted_messages(&self, report: &mut Report) -> Result<(), Fault> {
        let (uploads, until) = (self.mongo.uploads(), self.clock.now().plus(PURGES_TIME));
        for purges in uploads.list_purges(MOST_PURGES).await?.chunks(PURGES_AT_ONCE) {
            let now = self.clock.now();
            if now >= until {
                break;
            }
            uploads.end_purged(purges, now).await?;
            report.ended += purges.iter().map(|purge| purge.uploads.len()).sum::<usize>();
        }
        Ok(())
    }

    /// Sums the quotas anew that are due, the longest waiting first.
    async fn recount(&self, until: Timestamp, report: &mut Report) -> Result<(), Fault> {
        let until = until.min(self.clock.now().plus(RECOUNTS_TIME));
        while self.clock.now() < until {
            let due = self.mongo.usages().list_unchecked(self.clock.now(), RECOUNTS).await?;
            let is_last = due.len() < usize::from(RECOUNTS);
            let recounts = due.into_iter().map(|user| self.recount_one(user, until));
            let mut recounts = stream::iter(recounts).buffer_unordered(RECOUNTS_AT_ONCE);
            while let Some(is_corrected) = recounts.try_next().await? {
                report.corrected += usize::from(is_corrected);
            }
            if is_last {
                break;
            }
        }
        Ok(())
    }

    /// Whether the quota was wrong and is right now.
    async fn recount_one(&self, user: UserId, until: Timestamp) -> Result<bool, Fault> {
        let now = self.clock.now();
        Ok(now < until && self.mongo.usages().recount(user, now).await? == Recounted::Corrected)
    }
}

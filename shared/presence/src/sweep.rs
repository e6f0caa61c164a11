use crate::{Patience, Watcher};
use domain::{Fault, UserId};
use std::{collections::BTreeSet, time::Duration};

/// How many people whose connections are over are found at once.
const MOST_GHOSTS: i64 = 1_000;

/// How many people of whom something was told long ago are found at once, and how many who may not have been looked at.
const MOST_DUE: i64 = 1_000;

/// What a sweep found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// People whose connections expired without a close event.
    pub ghosts: usize,
    /// Others who are looked at once more.
    pub due: usize,
}

impl Watcher {
    /// Checks everybody whose check may have been lost: people whose connections expired, people who are shown as online and were not
    /// checked for ten minutes, and people who said hello and were not checked.
    ///
    /// Expired connections are removed last, so that the next sweep finds them again after a crash.
    pub async fn sweep(&self) -> Result<Swept, Fault> {
        let now = self.clock.now();
        let ghosts = self.mongo.connections().list_ghosts(now, MOST_GHOSTS).await?;
        let due = self.mongo.presence().list_due(now, MOST_DUE).await?;
        let users: BTreeSet<UserId> = ghosts.iter().chain(&due).copied().collect();
        let users: Vec<_> = users.into_iter().collect();
        if !self.announcer.look_at(&users, 0, Duration::ZERO).await {
            // Without a working queue no job does it. Nothing is delayed, since no job would follow soon.
            self.reconcile(&users, Patience::Tell).await?;
        }
        self.mongo.connections().remove_expired(&ghosts, now).await?;
        Ok(Swept { ghosts: ghosts.len(), due: users.len() - ghosts.len() })
    }
}

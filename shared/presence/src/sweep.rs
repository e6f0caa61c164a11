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
    /// People whose connections ended without a word.
    pub ghosts: usize,
    /// Others who are looked at once more.
    pub due: usize,
}

impl Watcher {
    /// Has everybody looked at of whom a look may have been lost: people whose connections are over, those who are told to be online
    /// and were not looked at for ten minutes, and those who said hello and were not looked at.
    ///
    /// Their connections are removed last: whoever dies before is followed by one who finds them again.
    pub async fn sweep(&self) -> Result<Swept, Fault> {
        let now = self.clock.now();
        let ghosts = self.mongo.connections().list_ghosts(now, MOST_GHOSTS).await?;
        let due = self.mongo.presence().list_due(now, MOST_DUE).await?;
        let users: BTreeSet<UserId> = ghosts.iter().chain(&due).copied().collect();
        let users: Vec<_> = users.into_iter().collect();
        if !self.announcer.look_at(&users, 0, Duration::ZERO).await {
            // Without a queue, or while it is away, nobody else does it. Nobody is put off, as nothing would bring them back soon.
            self.reconcile(&users, Patience::Tell).await?;
        }
        self.mongo.connections().remove_expired(&ghosts, now).await?;
        Ok(Swept { ghosts: ghosts.len(), due: users.len() - ghosts.len() })
    }
}

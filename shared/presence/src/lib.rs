#![doc = include_str!("../README.md")]

#[cfg(test)]
mod interleavings;
mod job;
mod look;
mod sweep;
mod tell;

pub use look::Patience;
pub use sweep::Swept;

use announce::Announcer;
use domain::{Clock, Fault, Timestamp, UserId};
use look::{Look, Told, Written};
use mongo::Mongo;
use queue::PresenceJob;
use std::{collections::BTreeMap, time::Duration};

/// How many people are looked at together.
const MOST_PEOPLE: usize = 100;

/// How many rounds of a look follow for people whose state changes meanwhile; after them a new job is queued.
const MOST_ROUNDS: usize = 3;

/// How long a person who comes and goes often may be gone before friends are told.
const PUT_OFF: Duration = Duration::from_secs(90);

/// Looks who is online, and tells their friends; see the crate's documentation.
#[derive(Debug, Clone)]
pub struct Watcher {
    /// Connections, people and what was told of them.
    pub mongo: Mongo,
    /// Tells clients, and queues people to be looked at.
    pub announcer: Announcer,
    /// The time.
    pub clock: Clock,
}

/// The outcome of a look.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// Those whose friends are told that they came or went.
    pub told: Vec<UserId>,
    /// Those who come and go often, and are looked at again later.
    pub put_off: Vec<UserId>,
}

impl Watcher {
    /// Checks whether people are online and tells their friends of changes, except of who left within the last half minute: of these
    /// the job of their leaving tells. Idempotent, and safe in any order and concurrently.
    pub async fn reconcile(&self, users: &[UserId], patience: Patience) -> Result<Reconciled, Fault> {
        let gone_by = self.clock.now().minus(PresenceJob::GRACE);
        self.reconcile_gone(users.iter().map(|user| (*user, gone_by)).collect(), patience).await
    }

    /// The same, except of who left after a time of each person's own.
    async fn reconcile_gone(
        &self,
        people: BTreeMap<UserId, Timestamp>,
        patience: Patience,
    ) -> Result<Reconciled, Fault> {
        let people: Vec<_> = people.into_iter().collect();
        let mut reconciled = Reconciled::default();
        for people in people.chunks(MOST_PEOPLE) {
            let of_people = self.reconcile_some(people, patience).await?;
            reconciled.told.extend(of_people.told);
            reconciled.put_off.extend(of_people.put_off);
        }
        Ok(reconciled)
    }

    async fn reconcile_some(&self, people: &[(UserId, Timestamp)], patience: Patience) -> Result<Reconciled, Fault> {
        let (mut waiting, mut told, mut put_off, mut outcome) = (people.to_vec(), Vec::new(), Vec::new(), Ok(()));
        for _ in 0..MOST_ROUNDS {
            let (written, looked) = self.look(&waiting, patience).await;
            told.extend(written.told);
            put_off.extend(written.put_off);
            waiting.retain(|(user, _)| written.moved.contains(user));
            outcome = looked;
            if waiting.is_empty() || outcome.is_err() {
                break;
            }
        }
        let users = told.iter().map(|told: &Told| told.user).collect();
        // Also after a failure, since nobody else tells what is written; the caller tries the others again.
        self.tell(told).await;
        outcome?;
        let waiting: Vec<_> = waiting.into_iter().map(|(user, _)| user).collect();
        self.announcer.look_at_or_leave(&waiting, 0, PresenceJob::GRACE).await;
        self.announcer.look_at_or_leave(&put_off, 1, PUT_OFF).await;
        Ok(Reconciled { told: users, put_off })
    }

    async fn look(&self, people: &[(UserId, Timestamp)], patience: Patience) -> (Written, Result<(), Fault>) {
        let read = async {
            let mut look = Look::begin(&self.mongo, people).await?;
            look.read(self.clock.now()).await?;
            Ok::<_, Fault>(look)
        };
        match read.await {
            Ok(look) => look.write(self.clock.now(), patience).await,
            Err(fault) => (Written::default(), Err(fault)),
        }
    }
}

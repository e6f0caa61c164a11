use crate::Projector;
use domain::{Aggregate, Code, Fault, Timestamp};
use std::{collections::HashSet, time::Duration};
use tokio::time::timeout;

/// How many aggregates are read at once.
const BATCH: u32 = 100;

/// How long one aggregate may take, and one reading of the outbox.
const TIME_LIMIT: Duration = Duration::from_secs(5);

/// How many aggregates in a run may find a store unavailable before the run ends: one alone may be contended.
const MOST_UNAVAILABLE: usize = 2;

/// What a run over the outbox did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Relayed {
    /// Aggregates that were projected.
    pub projected: usize,
    /// Aggregates left to the next run.
    pub failed: usize,
}

impl Projector {
    /// Projects whatever was committed and not projected, until nothing is left or the time is over.
    ///
    /// Each aggregate is tried once in a run, the least recently tried first, so that one that always fails does not delay others.
    /// A store that is unavailable ends the run.
    pub async fn relay(&self, until: Timestamp) -> Result<Relayed, Fault> {
        let (begun, mut relayed, mut unavailable) = (self.clock.now(), Relayed::default(), 0);
        // A try may fail before it is noted.
        let mut tried = HashSet::new();
        loop {
            let listing = timeout(TIME_LIMIT, self.mysql.outbox().list(BATCH, begun)).await;
            let mut batch = listing.map_err(Fault::unavailable)??;
            batch.retain(|aggregate| tried.insert(*aggregate));
            if batch.is_empty() {
                return Ok(relayed);
            }
            for aggregate in batch {
                let left = self.clock.now().until(until);
                if left.is_zero() {
                    return Ok(relayed);
                }
                let Err(fault) = self.try_once(aggregate, left.min(TIME_LIMIT)).await else {
                    relayed.projected += 1;
                    continue;
                };
                relayed.failed += 1;
                fault.log(&format!("project {aggregate:?}"));
                unavailable += usize::from(fault.code == Code::Unavailable);
                if unavailable == MOST_UNAVAILABLE {
                    return Err(fault);
                }
            }
        }
    }

    /// The try is noted first, so that an aggregate that ends a run is the last of the next one.
    async fn try_once(&self, aggregate: Aggregate, within: Duration) -> Result<(), Fault> {
        let trying = async {
            self.mysql.outbox().note_try(aggregate, self.clock.now()).await?;
            self.project(aggregate).await?;
            self.stir(aggregate).await
        };
        timeout(within, trying).await.unwrap_or_else(|late| Err(Fault::internal(late)))
    }

    /// Whoever changed who may know where a person is has died: what follows is left to the next look.
    async fn stir(&self, aggregate: Aggregate) -> Result<(), Fault> {
        let Aggregate::Person(user) = aggregate else { return Ok(()) };
        self.mongo.presence().stir(&[user]).await
    }
}

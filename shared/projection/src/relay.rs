use crate::Projector;
use domain::{Code, Fault, Timestamp};

/// How many aggregates are read at once.
const BATCH: u32 = 100;

/// What a run over the outbox did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Relayed {
    /// Aggregates that MongoDB knows now.
    pub projected: usize,
    /// Aggregates that wait for the next run.
    pub failed: usize,
}

impl Projector {
    /// Projects whatever was committed and not projected, until nothing is left or the time is over.
    ///
    /// Each aggregate is tried once: what can't be projected keeps nothing else back. A store that is away ends the run.
    pub async fn relay(&self, until: Timestamp) -> Result<Relayed, Fault> {
        let (mut relayed, mut tried) = (Relayed::default(), Vec::new());
        while self.clock.now() < until {
            let batch = self.mysql.outbox().list(BATCH, &tried).await?;
            if batch.is_empty() {
                break;
            }
            for aggregate in batch {
                tried.push(aggregate);
                match self.project(aggregate).await {
                    Ok(()) => relayed.projected += 1,
                    Err(fault) if fault.code == Code::Unavailable => return Err(fault),
                    Err(fault) => {
                        relayed.failed += 1;
                        fault.log(&format!("project {aggregate:?}"));
                    }
                }
            }
        }
        Ok(relayed)
    }
}

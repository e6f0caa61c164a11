use crate::{Patience, Watcher};
use domain::{Fault, UserId};
use queue::PresenceJob;
use std::collections::BTreeMap;
use tracing::info;

impl Watcher {
    /// Runs jobs together: removes the connections that are closed, then checks each person once.
    pub async fn work(&self, jobs: &[PresenceJob]) -> Result<(), Fault> {
        let gone = || jobs.iter().flat_map(|job| &job.gone);
        self.mongo.connections().remove_gone(gone().map(|gone| (&gone.id, gone.connected_at))).await?;
        let mut people: BTreeMap<UserId, u32> = gone().map(|gone| (gone.user, 0)).collect();
        for job in jobs {
            for user in &job.users {
                let again = people.entry(*user).or_default();
                *again = job.again.max(*again);
            }
        }
        for patience in [Patience::Wait, Patience::Tell] {
            let has = |again: u32| (patience == Patience::Wait) == (again == 0);
            let users: Vec<_> = people.iter().filter(|(_, again)| has(**again)).map(|(user, _)| *user).collect();
            let reconciled = self.reconcile(&users, patience).await?;
            if !users.is_empty() {
                let (told, put_off) = (reconciled.told.len(), reconciled.put_off.len());
                info!(people = users.len(), told, put_off, "Looked who is online");
            }
        }
        Ok(())
    }
}

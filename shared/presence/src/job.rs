use crate::{Patience, Watcher};
use domain::{Fault, Timestamp, UserId};
use queue::PresenceJob;
use std::collections::BTreeMap;
use tracing::info;

impl Watcher {
    /// Runs jobs together: removes the connections that are closed, then checks each person once.
    pub async fn work(&self, jobs: &[PresenceJob]) -> Result<(), Fault> {
        let now = self.clock.now();
        let gone_by = |job: &PresenceJob| job.gone_by.unwrap_or(now);
        let gone = || jobs.iter().flat_map(|job| &job.gone);
        // They left as they were found to be closed, by the earliest of the jobs, so that none of these leaves it to another one.
        let left_at = jobs.iter().filter(|job| !job.gone.is_empty()).map(gone_by).min().unwrap_or(now);
        self.mongo.connections().remove_gone(gone().map(|gone| (&gone.id, gone.connected_at)), left_at).await?;
        let mut people: BTreeMap<UserId, (u32, Timestamp)> = BTreeMap::new();
        for job in jobs {
            for user in job.users.iter().chain(job.gone.iter().map(|gone| &gone.user)) {
                let (again, until) = people.entry(*user).or_insert((0, gone_by(job)));
                (*again, *until) = (job.again.max(*again), gone_by(job).max(*until));
            }
        }
        for patience in [Patience::Wait, Patience::Tell] {
            let has = |again: u32| (patience == Patience::Wait) == (again == 0);
            let theirs = people.iter().filter(|(_, (again, _))| has(*again));
            let users: BTreeMap<_, _> = theirs.map(|(user, (_, gone_by))| (*user, *gone_by)).collect();
            let count = users.len();
            let reconciled = self.reconcile_gone(users, patience).await?;
            if count > 0 {
                let (told, put_off) = (reconciled.told.len(), reconciled.put_off.len());
                info!(people = count, told, put_off, "Looked who is online");
            }
        }
        Ok(())
    }
}

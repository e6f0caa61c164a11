use crate::{Watcher, look::Told};
use announce::Delivery;
use contract::{Frame, PersonPresence};
use domain::{ConnectionId, Fault, OrLog as _, shown_last_seen};
use mongo::{Connection, Onlookers};
use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};
use tracing::warn;

/// Of how many friends of a person the connections are told.
const MOST_FRIENDS_TOLD: usize = 500;

/// How long the pushes may take.
const PUSH_TIME: Duration = Duration::from_secs(1);

/// How long it is worth telling.
const WORTH: Duration = Duration::from_secs(15);

impl Watcher {
    /// Tells friends which people came or went, after the answer, with one frame per connection.
    pub(crate) async fn tell(&self, told: Vec<Told>) {
        if told.is_empty() {
            return;
        }
        let watcher = self.clone();
        let work = async move {
            watcher.try_tell(&told).await.or_log("tell friends who is online");
        };
        self.announcer.later(work).await;
    }

    async fn try_tell(&self, told: &[Told]) -> Result<(), Fault> {
        let now = self.clock.now();
        let fresh: BTreeMap<_, _> =
            told.iter().filter(|told| told.at.plus(WORTH) > now).map(|told| (told.user, told)).collect();
        let users: Vec<_> = fresh.keys().copied().collect();
        if users.is_empty() {
            return Ok(());
        }
        // Read now: former friends and hidden people are told nothing, and of hidden people only that they are offline.
        let onlookers = self.mongo.presence().list_onlookers(&users, MOST_FRIENDS_TOLD, now).await?;
        let mut news: HashMap<ConnectionId, (Connection, Vec<PersonPresence>)> = HashMap::new();
        for Onlookers { of, is_shown, connections } in onlookers {
            let Some(told) = fresh.get(&of).filter(|told| is_shown || !told.is_online) else { continue };
            let last_seen_at = if told.is_online || !is_shown { None } else { shown_last_seen(told.at, now) };
            let person = PersonPresence { user_id: of, online: told.is_online, last_seen_at, rev: told.rev };
            for connection in connections {
                let (_, people) = news.entry(connection.id.clone()).or_insert_with(|| (connection, Vec::new()));
                people.push(person.clone());
            }
        }
        let mut frames = Vec::new();
        for (connection, people) in news.into_values() {
            frames.push((connection, Frame::of_presence(people).to_text()?));
        }
        let Delivery { sent, failed } = self.announcer.deliver_each(&frames, PUSH_TIME).await;
        if !failed.is_empty() {
            warn!(sent, failed = failed.len(), "Some friends were not told who is online");
        }
        Ok(())
    }
}

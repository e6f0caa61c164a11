use crate::{Causal, Connection, Connections, Mongo};
use domain::{Fault, Timestamp, UserId};
use mongodb::{ClientSession, ClusterTime, bson};

/// Of how many people the connections are read at once.
const PAGE: usize = 250;

/// People with more live connections than are read at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crowd {
    people: Vec<UserId>,
    /// What their connections were read after.
    after: Option<Moment>,
}

/// How far a causal session has come.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Moment {
    cluster: Option<ClusterTime>,
    operation: Option<bson::Timestamp>,
}

impl Crowd {
    pub(crate) fn of(people: &[UserId]) -> Self {
        Self { people: people.to_vec(), after: None }
    }

    pub(crate) fn in_session(people: &[UserId], Causal(session): &Causal) -> Self {
        let moment = Moment { cluster: session.cluster_time().cloned(), operation: session.operation_time() };
        Self { people: people.to_vec(), after: Some(moment) }
    }

    /// All of them.
    pub fn people(&self) -> &[UserId] {
        &self.people
    }

    /// All of them, as many at a time as one read is for.
    pub fn pages(&self) -> impl Iterator<Item = &[UserId]> {
        self.people.chunks(PAGE)
    }
}

impl Moment {
    /// A session whose reads include what the session of this moment had read and written.
    async fn resume(&self, mongo: &Mongo) -> Result<Causal, Fault> {
        let Causal(mut session) = mongo.causal().await?;
        self.advance(&mut session);
        Ok(Causal(session))
    }

    fn advance(&self, session: &mut ClientSession) {
        if let Some(cluster) = &self.cluster {
            session.advance_cluster_time(cluster);
        }
        if let Some(operation) = self.operation {
            session.advance_operation_time(operation);
        }
    }
}

impl Connections<'_> {
    /// The live connections of one page of a crowd, including what was written in the session in which the crowd was found.
    pub async fn list_page(self, crowd: &Crowd, page: &[UserId], now: Timestamp) -> Result<Vec<Connection>, Fault> {
        match &crowd.after {
            Some(moment) => self.list_of_people_in(&mut moment.resume(self.0).await?, page, now).await,
            None => self.list_of_people(page, now).await,
        }
    }
}

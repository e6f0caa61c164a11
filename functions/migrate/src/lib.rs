#![doc = include_str!("../README.md")]

use domain::{Clock, Fault, SessionId, UserId};
use mongo::Mongo;
use mysql::Mysql;
use serde::Serialize;
use std::{collections::BTreeMap, error::Error, time::Duration};
use tracing::info;

/// Both stores.
#[derive(Debug)]
pub struct App {
    /// Migrated first.
    pub mysql: Mysql,
    /// Gets its indexes.
    pub mongo: Mongo,
    /// The time.
    pub clock: Clock,
}

/// The version of the MongoDB schema since which it knows people.
const PEOPLE_SINCE: i32 = 2;
/// How many rows one statement reads.
const BATCH: u32 = 500;
/// No access token lives longer, whatever the settings say.
const LONGEST_TOKEN: Duration = Duration::from_hours(8_760);

/// What the invocation answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    mysql: MysqlReport,
    mongo: MongoReport,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct MysqlReport {
    version: i64,
    applied: usize,
    /// People who can be searched from now on.
    named: usize,
    /// People who keep a username that looks like the one of an older account.
    confusable: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct MongoReport {
    version: i32,
}

/// A store that could not be migrated, and why. No client sees it.
#[derive(Debug, thiserror::Error)]
#[error("{store}: {why}")]
pub struct MigrateError {
    store: &'static str,
    why: String,
}

impl App {
    /// Neither store is connected before it is needed.
    pub async fn connect(mysql_url: &str, mongo_url: &str, clock: Clock) -> Result<Self, Fault> {
        Ok(Self {
            mysql: Mysql::connect(mysql_url, Mysql::LAMBDA_CONNECTIONS)?,
            mongo: Mongo::connect(mongo_url).await?,
            clock,
        })
    }

    /// Brings both stores up to date.
    pub async fn migrate(&self) -> Result<Report, MigrateError> {
        let mysql = self.mysql.schema().migrate().await.map_err(|why| failed("MySQL", &Fault::from(why)))?;
        let named = self.name_everybody().await.map_err(|why| failed("MySQL", &why))?;
        let confusable = self.fill_skeletons().await.map_err(|why| failed("MySQL", &why))?;
        let found = self.mongo.schema().version().await.map_err(|why| failed("MongoDB", &why))?;
        if found.found < PEOPLE_SINCE {
            // Before the version says that it was done. `relay` projects them.
            let everybody = self.mysql.outbox().insert_everybody(self.clock.now()).await;
            everybody.map_err(|why| failed("MySQL", &why))?;
        }
        self.move_revocations().await.map_err(|why| failed("MongoDB", &why))?;
        let mongo = self.mongo.schema().ensure().await.map_err(|why| failed("MongoDB", &why))?;
        Ok(Report {
            mysql: MysqlReport { version: mysql.version, applied: mysql.applied, named, confusable },
            mongo: MongoReport { version: mongo.found },
        })
    }
}

impl App {
    /// Moves ended sessions from the collection of earlier versions to the gates of their people. Idempotent.
    async fn move_revocations(&self) -> Result<(), Fault> {
        let revoked = self.mongo.schema().list_revoked_sessions().await?;
        let mut ended: BTreeMap<UserId, Vec<SessionId>> = BTreeMap::new();
        for sessions in revoked.chunks(usize::try_from(BATCH).unwrap_or(usize::MAX)) {
            for (user, session) in self.mysql.sessions().list_owners(sessions).await? {
                ended.entry(user).or_default().push(session);
            }
        }
        let until = self.clock.now().plus(LONGEST_TOKEN);
        for (user, sessions) in ended {
            self.mongo.gates().end_sessions(user, &sessions, until).await?;
        }
        Ok(())
    }

    /// Adds name keys for people who signed up before there was a search. Idempotent.
    async fn name_everybody(&self) -> Result<usize, Fault> {
        let (mut after, mut named) = (UserId(0), 0);
        loop {
            let people = self.mysql.users().list_unnamed(after, BATCH).await?;
            let Some(last) = people.last() else { return Ok(named) };
            after = last.user;
            self.mysql.users().insert_names(&people).await?;
            named += people.len();
            info!("{named} people can be searched now");
        }
    }
}

impl App {
    /// Gives usernames of versions before skeletons one each, and counts those that stay without: they look like an older
    /// account's. Such people keep their names, and nobody else can take one that looks like theirs.
    async fn fill_skeletons(&self) -> Result<usize, Fault> {
        let mut after = UserId(0);
        loop {
            let people = self.mysql.users().list_without_skeleton(after, BATCH).await?;
            let Some(last) = people.last() else { break };
            after = last.user;
            self.mysql.users().fill_skeletons(&people).await?;
        }
        let (mut after, mut confusable) = (UserId(0), 0);
        loop {
            let people = self.mysql.users().list_without_skeleton(after, BATCH).await?;
            let Some(last) = people.last() else { return Ok(confusable) };
            after = last.user;
            confusable += people.len();
            for person in &people {
                info!(user.id = %person.user, "Kept a username that looks like an older one");
            }
        }
    }
}

fn failed(store: &'static str, fault: &Fault) -> MigrateError {
    let mut why = fault.to_string();
    let mut cause = fault.source();
    while let Some(error) = cause {
        why = format!("{why}: {error}");
        cause = error.source();
    }
    MigrateError { store, why }
}

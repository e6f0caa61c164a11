use crate::{App, MigrateError, failed};
use domain::{Fault, SessionId, Timestamp, UserId};
use projection::Projector;
use serde::Serialize;
use std::{collections::BTreeMap, time::Duration};
use tracing::{info, warn};

/// The version of the MongoDB schema since which it knows people by their names.
const PEOPLE_SINCE: i32 = 6;
/// How many rows one statement reads.
const BATCH: u32 = 500;
/// How long messages of earlier versions are indexed.
const BACKFILL_TIME: Duration = Duration::from_secs(200);
/// No access token lives longer, whatever the settings say.
const LONGEST_TOKEN: Duration = Duration::from_hours(8_760);

/// What a migration did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MigrateReport {
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
    /// Users of the server who could not log in before.
    logins: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct MongoReport {
    version: i32,
    /// Messages that can be searched from now on.
    indexed: usize,
    /// Whether there are more, which `relay` goes on with.
    left: bool,
}

impl App {
    /// Brings both stores up to date. What takes long in MongoDB ends soon after `until`.
    pub async fn migrate(&self, until: Timestamp) -> Result<MigrateReport, MigrateError> {
        let Projector { mysql, mongo, clock, .. } = &self.projector;
        let migrated = mysql.schema().migrate().await.map_err(|why| failed("MySQL", &Fault::from(why)))?;
        let logins = self.ensure_logins().await.map_err(|why| failed("MySQL", &why))?;
        let named = self.name_everybody().await.map_err(|why| failed("MySQL", &why))?;
        let confusable = self.fill_skeletons().await.map_err(|why| failed("MySQL", &why))?;
        let found = mongo.schema().version().await.map_err(|why| failed("MongoDB", &why))?;
        if found.found < PEOPLE_SINCE {
            // Before the version says that it was done. `relay` projects them.
            let everybody = mysql.outbox().insert_everybody(clock.now()).await;
            everybody.map_err(|why| failed("MySQL", &why))?;
        }
        self.move_revocations().await.map_err(|why| failed("MongoDB", &why))?;
        let ensured = mongo.schema().ensure().await.map_err(|why| failed("MongoDB", &why))?;
        let until = until.min(clock.now().plus(BACKFILL_TIME));
        let filled = Box::pin(mongo.schema().backfill(*clock, until)).await.map_err(|why| failed("MongoDB", &why))?;
        Ok(MigrateReport {
            mysql: MysqlReport { version: migrated.version, applied: migrated.applied, named, confusable, logins },
            mongo: MongoReport { version: ensured.found, indexed: filled.indexed, left: filled.left },
        })
    }

    /// Brings both stores up to date for a deployment. What a newer build has migrated is left alone: a deployment that is rolled
    /// back ends with the build before, which works with it.
    pub async fn deploy(&self) -> Result<(), MigrateError> {
        let Projector { mysql, mongo, clock, .. } = &self.projector;
        let found = mysql.schema().status().await.map_err(|why| failed("MySQL", &why))?;
        let found_in_mongo = mongo.schema().version().await.map_err(|why| failed("MongoDB", &why))?;
        if found.current > found.expected || found_in_mongo.found > found_in_mongo.expected {
            warn!("Left the schemas of a newer build alone");
            return Ok(());
        }
        // No deployment waits for old messages to be indexed: `relay` goes on with it.
        let report = Box::pin(self.migrate(clock.now())).await?;
        info!(mysql.version = report.mysql.version, mongo.version = report.mongo.version, "Migrated");
        Ok(())
    }

    /// Makes the users of other functions, once what they may read is there, or gives them the passwords of their secrets.
    async fn ensure_logins(&self) -> Result<usize, Fault> {
        let mut made = 0;
        for (url, rights) in &self.logins {
            // A connection that is being opened is large.
            let ensured = Box::pin(self.projector.mysql.schema().ensure_login(url, *rights)).await?;
            made += usize::from(ensured);
        }
        Ok(made)
    }

    /// Moves ended sessions from the collection of earlier versions to the gates of their people. Idempotent.
    async fn move_revocations(&self) -> Result<(), Fault> {
        let Projector { mysql, mongo, clock, .. } = &self.projector;
        let revoked = mongo.schema().list_revoked_sessions().await?;
        let mut ended: BTreeMap<UserId, Vec<SessionId>> = BTreeMap::new();
        for sessions in revoked.chunks(usize::try_from(BATCH).unwrap_or(usize::MAX)) {
            for (user, session) in mysql.sessions().list_owners(sessions).await? {
                ended.entry(user).or_default().push(session);
            }
        }
        let until = clock.now().plus(LONGEST_TOKEN);
        for (user, sessions) in ended {
            mongo.gates().end_sessions(user, &sessions, until).await?;
        }
        Ok(())
    }

    /// Adds name keys for people who signed up before there was a search. Idempotent.
    async fn name_everybody(&self) -> Result<usize, Fault> {
        let (mut after, mut named) = (UserId(0), 0);
        loop {
            let people = self.projector.mysql.users().list_unnamed(after, BATCH).await?;
            let Some(last) = people.last() else { return Ok(named) };
            after = last.user;
            self.projector.mysql.users().insert_names(&people).await?;
            named += people.len();
            info!("{named} people can be searched now");
        }
    }

    /// Gives usernames of versions before skeletons one each, and counts those that stay without: they look like an older
    /// account's. Such people keep their names, and nobody else can take one that looks like theirs.
    async fn fill_skeletons(&self) -> Result<usize, Fault> {
        let mut after = UserId(0);
        loop {
            let people = self.projector.mysql.users().list_without_skeleton(after, BATCH).await?;
            let Some(last) = people.last() else { break };
            after = last.user;
            self.projector.mysql.users().fill_skeletons(&people).await?;
        }
        let (mut after, mut confusable) = (UserId(0), 0);
        loop {
            let people = self.projector.mysql.users().list_without_skeleton(after, BATCH).await?;
            let Some(last) = people.last() else { return Ok(confusable) };
            after = last.user;
            confusable += people.len();
            for person in &people {
                info!(user.id = %person.user, "Kept a username that looks like an older one");
            }
        }
    }
}

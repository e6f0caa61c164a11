#![doc = include_str!("../README.md")]

use domain::{Clock, Fault, UserId};
use mongo::Mongo;
use mysql::Mysql;
use serde::Serialize;
use std::error::Error;
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
/// How many people get their names indexed by one statement.
const BATCH: u32 = 500;

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
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct MongoReport {
    version: i32,
}

/// A store that could not be migrated, and why; there is no client to hide it from.
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
        let found = self.mongo.schema_version().await.map_err(|why| failed("MongoDB", &why))?;
        if found.found < PEOPLE_SINCE {
            // Before the version says that it was done. `relay` brings them over.
            let everybody = self.mysql.outbox().insert_everybody(self.clock.now()).await;
            everybody.map_err(|why| failed("MySQL", &why))?;
        }
        let mongo = self.mongo.ensure_schema().await.map_err(|why| failed("MongoDB", &why))?;
        Ok(Report {
            mysql: MysqlReport { version: mysql.version, applied: mysql.applied, named },
            mongo: MongoReport { version: mongo.found },
        })
    }
}

impl App {
    /// Lets people be searched who signed up before there was a search; does nothing from the second time on.
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

fn failed(store: &'static str, fault: &Fault) -> MigrateError {
    let mut why = fault.to_string();
    let mut cause = fault.source();
    while let Some(error) = cause {
        why = format!("{why}: {error}");
        cause = error.source();
    }
    MigrateError { store, why }
}

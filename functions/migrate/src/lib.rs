#![doc = include_str!("../README.md")]

use domain::Fault;
use mongo::Mongo;
use mysql::Mysql;
use serde::Serialize;
use std::error::Error;

/// Both stores.
#[derive(Debug)]
pub struct App {
    /// Migrated first.
    pub mysql: Mysql,
    /// Gets its indexes.
    pub mongo: Mongo,
}

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
    pub async fn connect(mysql_url: &str, mongo_url: &str) -> Result<Self, Fault> {
        Ok(Self {
            mysql: Mysql::connect(mysql_url, Mysql::LAMBDA_CONNECTIONS)?,
            mongo: Mongo::connect(mongo_url).await?,
        })
    }

    /// Brings both stores up to date.
    pub async fn migrate(&self) -> Result<Report, MigrateError> {
        let mysql = self.mysql.schema().migrate().await.map_err(|why| failed("MySQL", &Fault::from(why)))?;
        let mongo = self.mongo.ensure_schema().await.map_err(|why| failed("MongoDB", &why))?;
        Ok(Report {
            mysql: MysqlReport { version: mysql.version, applied: mysql.applied },
            mongo: MongoReport { version: mongo.found },
        })
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

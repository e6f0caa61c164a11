#![doc = include_str!("../README.md")]

mod custom_resource;
mod migrate;
mod rebuild;

pub use custom_resource::{Failure, ResourceRequest, time_for_migration};
pub use migrate::MigrateReport;
pub use rebuild::RebuildReport;

use domain::{Fault, Timestamp};
use mysql::Rights;
use projection::Projector;
use serde::{Deserialize, Serialize};
use std::error::Error;

/// Both stores. MySQL is migrated first, then MongoDB gets its indexes.
#[derive(Debug)]
pub struct App {
    /// Both stores, and the way from one to the other.
    pub projector: Projector,
    /// As whom other functions use MySQL, by URL; none where they use it as this one does.
    pub logins: Vec<(String, Rights)>,
}

/// Who invokes the function.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Event {
    /// CloudFormation, in the middle of a deployment.
    Resource(ResourceRequest),
    /// Anybody else.
    Invocation(Option<Invocation>),
}

/// What an invocation asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct Invocation {
    /// What to do.
    #[serde(default)]
    pub action: Action,
    /// Where a rebuild goes on, as the answer before it says.
    pub cursor: Option<String>,
}

/// What can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Both schemas are brought up to date.
    #[default]
    Migrate,
    /// Everything in MySQL is projected to MongoDB.
    Rebuild,
}

/// What the invocation answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// To a migration.
    Migrated(MigrateReport),
    /// To a rebuild.
    Rebuilt(RebuildReport),
    /// To CloudFormation, which is told elsewhere.
    Told,
}

/// What could not be done, and why. No client sees it.
#[derive(Debug, thiserror::Error)]
#[error("{store}: {why}")]
pub struct MigrateError {
    store: &'static str,
    why: String,
}

impl App {
    /// Does what is asked for; a migration, if nothing is. Both end soon after `until`.
    pub async fn run(&self, invocation: Option<Invocation>, until: Timestamp) -> Result<Answer, MigrateError> {
        let Invocation { action, cursor } = invocation.unwrap_or_default();
        match action {
            Action::Migrate => self.migrate(until).await.map(Answer::Migrated),
            Action::Rebuild => self.rebuild(cursor.as_deref(), until).await.map(Answer::Rebuilt),
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

use serde::Serialize;
use utoipa::ToSchema;

/// The sign that the API answers.
#[derive(Serialize, ToSchema)]
pub struct HealthView {
    /// Always `ok`.
    #[schema(example = "ok")]
    pub status: &'static str,
    /// The version of the API.
    #[schema(example = "1.0.0")]
    pub version: &'static str,
}

/// Whether the API can serve requests, and why not.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct ReadinessView {
    /// The result.
    pub status: ReadinessStatus,
    /// The single checks.
    pub checks: ReadinessChecks,
}

/// The checks of readiness.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct ReadinessChecks {
    /// The database of people and rooms.
    pub mysql: Reachability,
    /// The database of messages.
    pub mongo: Reachability,
    /// The schemas of both.
    pub schema: SchemaStatus,
}

/// Whether every check passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReadinessStatus {
    /// All did.
    Ready,
    /// At least one did not.
    Unready,
}

/// Whether a database answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Reachability {
    /// It answers.
    Ok,
    /// It does not.
    Unreachable,
}

/// Whether the schemas match this version of the API; `unknown` while a database does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SchemaStatus {
    /// They match.
    Current,
    /// A migration is missing.
    Behind,
    /// A database does not answer.
    Unknown,
}

impl ReadinessView {
    /// The result for whether each schema is current; `None` for a database that does not answer.
    pub fn of(mysql: Option<bool>, mongo: Option<bool>) -> Self {
        let reach = |answer: Option<bool>| if answer.is_some() { Reachability::Ok } else { Reachability::Unreachable };
        let schema = match (mysql, mongo) {
            (Some(true), Some(true)) => SchemaStatus::Current,
            (Some(false), _) | (_, Some(false)) => SchemaStatus::Behind,
            (None, _) | (_, None) => SchemaStatus::Unknown,
        };
        let status = if schema == SchemaStatus::Current { ReadinessStatus::Ready } else { ReadinessStatus::Unready };
        Self { status, checks: ReadinessChecks { mysql: reach(mysql), mongo: reach(mongo), schema } }
    }
}

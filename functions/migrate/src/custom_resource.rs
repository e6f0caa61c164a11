use crate::MigrateError;
use boot::BoxError;
use domain::Timestamp;
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};
use tokio::time::timeout;

/// What CloudFormation calls the schemas; another name would make it delete this one.
const ID: &str = "schemas";

/// What CloudFormation asks of a custom resource. Its properties are not read: it is asked again when one of them changed.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ResourceRequest {
    request_type: RequestType,
    /// Presigned, and so a secret.
    #[serde(rename = "ResponseURL")]
    response_url: String,
    stack_id: String,
    request_id: String,
    logical_resource_id: String,
    physical_resource_id: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum RequestType {
    Create,
    Update,
    Delete,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ResourceAnswer<'a> {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    physical_resource_id: &'a str,
    stack_id: &'a str,
    request_id: &'a str,
    logical_resource_id: &'a str,
}

/// Why the schemas are not what a deployment needs. It names no value: everybody who may see the stack reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// A setting is missing or bad.
    #[error("The function could not start")]
    Start,
    /// A store could not be migrated.
    #[error("{0} could not be migrated")]
    Store(&'static str),
    /// The function's time was over.
    #[error("The migration ran out of time")]
    Late,
}

impl From<MigrateError> for Failure {
    fn from(error: MigrateError) -> Self {
        Self::Store(error.store)
    }
}

impl ResourceRequest {
    /// Has the schemas brought up to date, unless the resource goes, and answers CloudFormation, which waits for that. `log` says where
    /// more is written. If the answer can't be put it is an error, so that Lambda invokes the function again.
    pub async fn serve(
        &self,
        migration: impl Future<Output = Result<(), Failure>>,
        within: Duration,
        log: &str,
    ) -> Result<(), BoxError> {
        let outcome = match self.request_type {
            // The data stay.
            RequestType::Delete => Ok(()),
            RequestType::Create | RequestType::Update => timeout(within, migration).await.unwrap_or(Err(Failure::Late)),
        };
        let answer = ResourceAnswer {
            status: if outcome.is_ok() { "SUCCESS" } else { "FAILED" },
            reason: outcome.err().map(|failure| format!("{failure}; the log says why: {log}")),
            physical_resource_id: self.physical_resource_id.as_deref().unwrap_or(ID),
            stack_id: &self.stack_id,
            request_id: &self.request_id,
            logical_resource_id: &self.logical_resource_id,
        };
        boot::put(&self.response_url, &serde_json::to_string(&answer)?).await
    }
}

/// How long a migration may take so that there is time for the answer.
pub fn time_for_migration(now: Timestamp, deadline: Timestamp) -> Duration {
    /// Three tries to put it, with pauses, and some.
    const ANSWER: Duration = Duration::from_secs(15);
    now.until(deadline.minus(ANSWER))
}

impl fmt::Debug for ResourceRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResourceRequest").field("request_type", &self.request_type).finish_non_exhaustive()
    }
}

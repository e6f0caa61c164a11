//! What Lambda and a function behind a queue tell each other. `aws_lambda_events` has it too, and eight more crates for it.

use serde::{Deserialize, Serialize};

/// A batch of messages.
#[derive(Debug, Deserialize)]
pub(crate) struct Event {
    #[serde(rename = "Records")]
    pub(crate) records: Vec<Record>,
}

/// A message.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Record {
    pub(crate) message_id: String,
    pub(crate) body: String,
}

/// Which messages must come again.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer {
    batch_item_failures: Vec<Failure>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    item_identifier: String,
}

impl Answer {
    pub(crate) fn of(failed: Vec<String>) -> Self {
        let failure = |item_identifier| Failure { item_identifier };
        Self { batch_item_failures: failed.into_iter().map(failure).collect() }
    }
}

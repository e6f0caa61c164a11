//! What the environments of a function share.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use hyper::body::Bytes;

use super::{spawner::Spawner, work::InvokeError};
use crate::{
    config::{Limits, Logs},
    cpu_shares::CpuShares,
    faults::Faults,
    ids,
    processes::Processes,
    records::{InvocationRecord, Outcome, RecordNumber, Records},
};

/// What all functions of a gateway share.
pub(super) struct Shared {
    pub(super) spawner: Spawner,
    pub(super) logs: Logs,
    pub(super) limits: Limits,
    pub(super) faults: Faults,
    pub(super) processes: Processes,
    pub(super) records: Records,
    pub(super) cpu_shares: Option<CpuShares>,
}

/// One function as its environments need it.
pub(super) struct Definition {
    pub(super) name: String,
    pub(super) lambda_name: String,
    pub(super) arn: String,
    pub(super) executable: PathBuf,
    pub(super) folder: PathBuf,
    pub(super) timeout: Duration,
    /// In MB.
    pub(super) memory: u32,
    pub(super) variables: BTreeMap<String, String>,
}

impl Definition {
    /// The variables of one environment.
    pub(super) fn environment(&self, runtime_api: &str) -> Vec<(String, String)> {
        let mut variables: Vec<_> = self.variables.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        let stream = format!("{}/[$LATEST]{}", ids::now().date(), ids::uuid().replace('-', ""));
        variables.push(("AWS_LAMBDA_RUNTIME_API".to_owned(), runtime_api.to_owned()));
        variables.push(("AWS_LAMBDA_LOG_STREAM_NAME".to_owned(), stream.replacen('-', "/", 2)));
        variables
    }
}

impl Shared {
    /// Records an invocation as its caller is answered, and logs its error.
    pub(super) fn record(
        &self,
        function: &str,
        init: Option<Duration>,
        duration: Duration,
        result: &Result<Bytes, InvokeError>,
    ) -> RecordNumber {
        let millis = |duration: Duration| duration.as_secs_f64() * 1000.0;
        if let Err(error) = result {
            (self.logs)(function, &error.to_string());
        }
        self.records.push(InvocationRecord {
            function: function.to_owned(),
            init_ms: init.map(millis),
            duration_ms: millis(duration),
            outcome: result.as_ref().map_or_else(InvokeError::outcome, |_| Outcome::Success),
            after_response: None,
        })
    }
}

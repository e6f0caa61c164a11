//! Lambda: functions, their environments, and the invocation of events.

mod environment;
mod runtime_api;
mod spawner;

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use hyper::body::Bytes;
use serde_json::Value as Json;

use crate::{
    Faults, InvocationRecord, Limits, Logs, Outcome, ids,
    processes::{Processes, Signal},
    records::Records,
    template::{self, REGION, Template},
};
use environment::{Attempt, Environment};
use spawner::Spawner;

/// How many environments may die under an event before they see it.
const ATTEMPTS: usize = 10;

/// Why an invocation brought no answer.
#[derive(Debug)]
pub(crate) enum InvokeError {
    Throttled,
    RequestTooLarge,
    Init(String),
    TimedOut(Duration),
    Crashed(String),
    ResponseTooLarge,
    Function(Json),
    Stopping,
}

impl fmt::Display for InvokeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Throttled => write!(formatter, "TooManyRequestsException: no environment is free"),
            Self::RequestTooLarge => write!(formatter, "RequestTooLargeException: the event is too large"),
            Self::Init(reason) => write!(formatter, "Runtime.InitError: {reason}"),
            Self::TimedOut(limit) => write!(formatter, "Task timed out after {:.2} seconds", limit.as_secs_f64()),
            Self::Crashed(reason) => write!(formatter, "{reason}"),
            Self::ResponseTooLarge => write!(formatter, "Function.ResponseSizeTooLarge"),
            Self::Function(error) => write!(formatter, "{error}"),
            Self::Stopping => write!(formatter, "the gateway is stopping"),
        }
    }
}

impl InvokeError {
    fn outcome(&self) -> Outcome {
        match self {
            Self::Throttled => Outcome::Throttled,
            Self::RequestTooLarge | Self::ResponseTooLarge => Outcome::TooLarge,
            Self::Init(_) => Outcome::InitError,
            Self::TimedOut(_) => Outcome::Timeout,
            Self::Crashed(_) | Self::Stopping => Outcome::Crash,
            Self::Function(_) => Outcome::FunctionError,
        }
    }
}

/// What all functions of a gateway share.
struct Shared {
    spawner: Spawner,
    logs: Logs,
    limits: Limits,
    faults: Faults,
    processes: Processes,
    records: Records,
}

/// A function and its environments.
struct Function {
    name: String,
    lambda_name: String,
    executable: PathBuf,
    folder: PathBuf,
    timeout: Duration,
    capacity: usize,
    variables: BTreeMap<String, String>,
    pool: Mutex<Pool>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Pool {
    /// The most recently used last.
    idle: Vec<Arc<Environment>>,
    /// Environments in use, those still starting included.
    busy: usize,
    closed: bool,
}

/// The functions of one template.
pub(crate) struct Lambda {
    functions: BTreeMap<String, Arc<Function>>,
    shared: Arc<Shared>,
}

impl Lambda {
    /// Prepares every function; starts no process yet.
    ///
    /// Fails on a binary that does not exist and on a variable made from a parameter without a value.
    pub(crate) fn new(
        template: &Template,
        binaries: &Path,
        environment: &BTreeMap<String, String>,
        limits: &Limits,
        logs: Logs,
        processes: Processes,
        faults: Faults,
    ) -> Result<Self> {
        let folder = binaries.canonicalize().with_context(|| format!("{} does not exist", binaries.display()))?;
        let spawner = Spawner::start()?;
        let shared =
            Arc::new(Shared { spawner, logs, limits: limits.clone(), faults, processes, records: Records::default() });
        let mut functions = BTreeMap::new();
        let mut missing = Vec::new();
        for function in &template.functions {
            let executable = folder.join(&function.name);
            if !executable.is_file() {
                missing.push(function.name.clone());
            }
            let prepared = Function {
                name: function.name.clone(),
                lambda_name: function.lambda_name.clone(),
                executable,
                folder: folder.clone(),
                timeout: function.timeout,
                capacity: function.reserved.unwrap_or(usize::MAX).min(limits.environments),
                variables: variables(function, environment, &folder)?,
                pool: Mutex::default(),
                shared: Arc::clone(&shared),
            };
            functions.insert(function.name.clone(), Arc::new(prepared));
        }
        ensure!(missing.is_empty(), "{} has no binary of {}", folder.display(), missing.join(", "));
        Ok(Self { functions, shared })
    }

    /// Invokes a function after a while. Both go on if the caller stops waiting.
    pub(crate) async fn invoke_after(
        &self,
        delay: Duration,
        function: &str,
        payload: Bytes,
    ) -> Result<Bytes, InvokeError> {
        let Some(function) = self.functions.get(function) else {
            return Err(InvokeError::Init(format!("the template has no function `{function}`")));
        };
        let function = Arc::clone(function);
        let invocation = tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            function.invoke(payload).await
        });
        invocation.await.unwrap_or(Err(InvokeError::Stopping))
    }

    /// Lambda's own Invoke: JSON in, JSON out.
    pub(crate) async fn invoke_json(&self, function: &str, payload: &Json) -> Result<Json> {
        match self.invoke_after(Duration::ZERO, function, Bytes::from(payload.to_string())).await {
            Ok(answer) => serde_json::from_slice(&answer).with_context(|| format!("`{function}` did not answer JSON")),
            Err(error) => bail!("`{function}`: {error}"),
        }
    }

    pub(crate) fn pids(&self) -> Vec<u32> {
        self.shared.processes.pids(None)
    }

    pub(crate) fn records(&self) -> Vec<InvocationRecord> {
        self.shared.records.all()
    }

    /// Ends every process: SIGTERM, a while, SIGKILL.
    pub(crate) async fn stop(&self) {
        self.close();
        // A stopped process can't act on SIGTERM until it goes on.
        self.shared.processes.signal_all(Signal::SIGTERM);
        self.shared.processes.signal_all(Signal::SIGCONT);
        if !self.ended_within(self.shared.limits.shutdown).await {
            self.shared.processes.signal_all(Signal::SIGKILL);
            self.ended_within(Duration::from_secs(5)).await;
        }
    }

    /// Ends every process at once.
    pub(crate) fn kill(&self) {
        self.close();
        self.shared.processes.signal_all(Signal::SIGKILL);
    }

    async fn ended_within(&self, limit: Duration) -> bool {
        let begun = Instant::now();
        while !self.shared.processes.is_empty() {
            if begun.elapsed() > limit {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        true
    }

    fn close(&self) {
        for function in self.functions.values() {
            let mut pool = crate::lock(&function.pool);
            pool.closed = true;
            pool.idle.clear();
        }
    }
}

impl Drop for Lambda {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Function {
    async fn invoke(self: Arc<Self>, payload: Bytes) -> Result<Bytes, InvokeError> {
        let mut record = InvocationRecord {
            function: self.name.clone(),
            init_ms: None,
            duration_ms: 0.0,
            outcome: Outcome::Success,
        };
        let result = self.attempt(payload, &mut record).await;
        if let Err(error) = &result {
            record.outcome = error.outcome();
            (self.shared.logs)(&self.name, &format!("{error}"));
        }
        self.shared.records.push(record);
        result
    }

    async fn attempt(self: &Arc<Self>, payload: Bytes, record: &mut InvocationRecord) -> Result<Bytes, InvokeError> {
        if payload.len() > self.shared.limits.request {
            return Err(InvokeError::RequestTooLarge);
        }
        for _ in 0..ATTEMPTS {
            let environment = match self.reserve()? {
                Some(idle) => idle,
                None => match self.start().await {
                    Ok((environment, init)) => {
                        record.init_ms = Some(init.as_secs_f64() * 1000.0);
                        environment
                    }
                    Err(error) => {
                        crate::lock(&self.pool).busy -= 1;
                        return Err(error);
                    }
                },
            };
            let attempt = environment.run(payload.clone(), self.timeout).await;
            let mut pool = crate::lock(&self.pool);
            pool.busy -= 1;
            match attempt {
                Attempt::NotStarted => {}
                Attempt::Ended { result, duration } => {
                    record.duration_ms = duration.as_secs_f64() * 1000.0;
                    let alive = !matches!(result, Err(InvokeError::TimedOut(_) | InvokeError::Crashed(_)));
                    if alive && !pool.closed {
                        pool.idle.push(environment);
                    }
                    return result;
                }
            }
        }
        Err(InvokeError::Crashed("no environment lived long enough to take the event".to_owned()))
    }

    /// Takes an idle environment, or a place for a new one.
    fn reserve(&self) -> Result<Option<Arc<Environment>>, InvokeError> {
        let mut pool = crate::lock(&self.pool);
        if pool.closed {
            return Err(InvokeError::Stopping);
        }
        let idle = pool.idle.pop();
        if idle.is_none() && pool.busy >= self.capacity {
            return Err(InvokeError::Throttled);
        }
        pool.busy += 1;
        Ok(idle)
    }

    /// Starts an environment. A failed init is tried once more within the function's own timeout, as Lambda does.
    async fn start(self: &Arc<Self>) -> Result<(Arc<Environment>, Duration), InvokeError> {
        match Environment::start(self, self.shared.limits.init).await {
            Err(InvokeError::Init(_)) => Environment::start(self, self.timeout).await,
            other => other,
        }
    }

    fn forget(&self, pid: u32) {
        crate::lock(&self.pool).idle.retain(|environment| environment.pid != pid);
    }

    fn environment(&self, runtime_api: &str) -> Vec<(String, String)> {
        let mut variables: Vec<_> = self.variables.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        let stream = format!("{}/[$LATEST]{}", ids::now().date(), ids::uuid().replace('-', ""));
        variables.push(("AWS_LAMBDA_RUNTIME_API".to_owned(), runtime_api.to_owned()));
        variables.push(("AWS_LAMBDA_LOG_STREAM_NAME".to_owned(), stream.replacen('-', "/", 2)));
        variables
    }
}

/// The variables of a function as Lambda sets them, those of the template included.
fn variables(
    function: &template::Function,
    given: &BTreeMap<String, String>,
    folder: &Path,
) -> Result<BTreeMap<String, String>> {
    let mut variables = function.environment.clone();
    for (key, value) in given {
        let secret = format!("{key}_SECRET_ARN");
        if variables.remove(&secret).is_some() || variables.contains_key(key) {
            variables.insert(key.clone(), value.clone());
        }
    }
    for (key, value) in &variables {
        if let Some(parameter) = template::unset_parameter(value) {
            bail!(
                "`{key}` of `{}` needs parameter `{parameter}`, which has neither a value nor a default",
                function.name
            );
        }
    }
    let lambda = [
        ("AWS_LAMBDA_FUNCTION_NAME", function.lambda_name.clone()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", function.memory.to_string()),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{}", function.lambda_name)),
        ("AWS_LAMBDA_LOG_FORMAT", function.logging.0.clone().unwrap_or_else(|| "Text".to_owned())),
        ("AWS_REGION", REGION.to_owned()),
        ("AWS_DEFAULT_REGION", REGION.to_owned()),
        ("AWS_ACCESS_KEY_ID", "local".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
        ("AWS_SESSION_TOKEN", "local".to_owned()),
        ("LAMBDA_TASK_ROOT", folder.to_string_lossy().into_owned()),
        ("LAMBDA_RUNTIME_DIR", "/var/runtime".to_owned()),
        ("_HANDLER", "bootstrap".to_owned()),
        ("TZ", ":UTC".to_owned()),
        ("LANG", "en_US.UTF-8".to_owned()),
        ("PATH", "/usr/local/bin:/usr/bin/:/bin:/opt/bin".to_owned()),
    ];
    variables.extend(lambda.map(|(key, value)| (key.to_owned(), value)));
    variables.extend(function.logging.1.clone().map(|level| ("AWS_LAMBDA_LOG_LEVEL".to_owned(), level)));
    Ok(variables)
}

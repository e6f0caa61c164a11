//! Lambda: functions, their environments, and the invocation of events.

mod definition;
mod environment;
mod extensions_api;
mod launch;
mod pool;
mod runtime_api;
mod spawner;
mod work;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use hyper::body::Bytes;
use serde_json::Value as Json;
use template::{REGION, Template};
use tokio::{
    sync::oneshot,
    time::{sleep, sleep_until},
};

use crate::{
    config::{Limits, Logs},
    cpu_shares::CpuShares,
    faults::Faults,
    iam::{Iam, Keys},
    mails, queues,
    records::{InvocationRecord, Records},
    secrets::ENDPOINT,
};
use definition::{Definition, Shared};
use environment::Environment;
use pool::{Found, Pool, Reservation};
use spawner::Spawner;
pub(crate) use work::InvokeError;
use work::Work;

/// How many environments may end under an event before they see it.
const ATTEMPTS: usize = 10;

/// A function and its environments.
struct Function {
    definition: Arc<Definition>,
    /// The same function of another version.
    old: Option<Arc<Definition>>,
    /// Counts the events, which go to both versions in turn.
    turn: AtomicUsize,
    pool: Arc<Pool<Environment>>,
    shared: Arc<Shared>,
}

/// How functions are run.
pub(crate) struct Setup<'s> {
    pub(crate) binaries: &'s Path,
    pub(crate) old_binaries: Option<&'s Path>,
    pub(crate) environment: &'s BTreeMap<String, String>,
    pub(crate) iam: &'s Iam,
    pub(crate) limits: &'s Limits,
    pub(crate) logs: Logs,
    pub(crate) faults: Faults,
    pub(crate) cpu_shares: Option<CpuShares>,
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
    pub(crate) fn new(template: &Template, setup: Setup<'_>) -> Result<Self> {
        let found =
            |folder: &Path| folder.canonicalize().with_context(|| format!("{} does not exist", folder.display()));
        let (folder, old_folder) = (found(setup.binaries)?, setup.old_binaries.map(found).transpose()?);
        let shared = Arc::new(Shared {
            spawner: Spawner::start()?,
            logs: setup.logs,
            limits: setup.limits.clone(),
            processes: setup.faults.processes().clone(),
            faults: setup.faults,
            records: Records::default(),
            cpu_shares: setup.cpu_shares,
        });
        let mut functions = BTreeMap::new();
        let mut missing = Vec::new();
        for function in &template.functions {
            if !folder.join(&function.name).is_file() {
                missing.push(function.name.clone());
            }
            // A new function has no older version.
            let old_folder = old_folder.as_ref().filter(|folder| folder.join(&function.name).is_file());
            let define = |folder: &PathBuf| {
                anyhow::Ok(Arc::new(Definition {
                    name: function.name.clone(),
                    lambda_name: function.lambda_name.clone(),
                    arn: template::arn(&function.lambda_name),
                    executable: folder.join(&function.name),
                    folder: folder.clone(),
                    timeout: function.timeout,
                    memory: function.memory,
                    variables: variables(function, setup.environment, setup.iam.keys_of(function), folder)?,
                }))
            };
            let capacity = function.reserved.unwrap_or(usize::MAX).min(setup.limits.environments);
            let prepared = Function {
                definition: define(&folder)?,
                old: old_folder.map(define).transpose()?,
                turn: AtomicUsize::new(0),
                pool: Arc::new(Pool::new(capacity)),
                shared: Arc::clone(&shared),
            };
            functions.insert(function.name.clone(), Arc::new(prepared));
        }
        ensure!(missing.is_empty(), "{} has no binary of {}", folder.display(), missing.join(", "));
        Ok(Self { functions, shared })
    }

    /// Invokes a function after a while and waits for its response. The invocation continues if the caller stops waiting.
    pub(crate) async fn invoke_after(
        &self,
        delay: Duration,
        function: &str,
        payload: Bytes,
    ) -> Result<Bytes, InvokeError> {
        let Some(function) = self.functions.get(function) else {
            return Err(InvokeError::Init(format!("the template has no function `{function}`")));
        };
        let (reply, answer) = oneshot::channel();
        let work = Work { payload, reply, attempts: 0, init: None };
        if delay.is_zero() {
            function.submit(work, true);
        } else {
            let function = Arc::clone(function);
            tokio::spawn(async move {
                sleep(delay).await;
                function.submit(work, true);
            });
        }
        answer.await.unwrap_or(Err(InvokeError::Stopping))
    }

    /// The Invoke API: JSON in, JSON out.
    pub(crate) async fn invoke_json(&self, function: &str, payload: &Json) -> Result<Json> {
        match self.invoke_after(Duration::ZERO, function, Bytes::from(payload.to_string())).await {
            Ok(answer) => serde_json::from_slice(&answer).with_context(|| format!("`{function}` did not answer JSON")),
            Err(error) => bail!("`{function}`: {error}"),
        }
    }

    pub(crate) fn pids(&self) -> Vec<u32> {
        self.shared.processes.of(None).iter().map(|process| process.pid()).collect()
    }

    pub(crate) fn records(&self) -> Vec<InvocationRecord> {
        self.shared.records.all()
    }

    /// Ends every process: SIGTERM, and SIGKILL after a while.
    pub(crate) async fn stop(&self) {
        self.close();
        self.shared.processes.terminate();
        if !self.ended_within(self.shared.limits.shutdown).await {
            self.shared.processes.kill();
            self.ended_within(Duration::from_secs(5)).await;
        }
    }

    /// Kills every process.
    pub(crate) fn kill(&self) {
        self.close();
        self.shared.processes.kill();
    }

    async fn ended_within(&self, limit: Duration) -> bool {
        let begun = Instant::now();
        while !self.shared.processes.is_empty() {
            if begun.elapsed() > limit {
                return false;
            }
            sleep(Duration::from_millis(5)).await;
        }
        true
    }

    fn close(&self) {
        for function in self.functions.values() {
            function.pool.close();
        }
    }
}

impl Drop for Lambda {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Function {
    /// Hands an event to a free environment, or starts one for it. Only a patient event waits for one that has just
    /// responded.
    fn submit(self: &Arc<Self>, mut work: Work, is_patient: bool) {
        if work.payload.len() > self.shared.limits.request {
            return self.refuse(work, InvokeError::RequestTooLarge);
        }
        let version = self.next_version();
        // Who waits for one that has just responded would always get the version of the last request.
        let is_patient = is_patient && self.old.is_none();
        loop {
            let function = Arc::clone(self);
            match self.pool.reserve(work, is_patient, |idle| Arc::ptr_eq(&idle.definition, version)) {
                Found::Idle(environment, event, reservation) => match environment.begin(event, reservation) {
                    Ok(()) => return,
                    Err(event) => work = event,
                },
                Found::Waits(ticket, until) => {
                    tokio::spawn(async move {
                        sleep_until(until.into()).await;
                        if let Some(work) = function.pool.withdraw(ticket) {
                            function.submit(work, false);
                        }
                    });
                    return;
                }
                Found::Nothing(work, reservation) => {
                    tokio::spawn(function.start_for(work, Arc::clone(version), reservation));
                    return;
                }
                Found::Refused(work, error) => return self.refuse(work, error),
            }
        }
    }

    /// The version that takes the next event.
    fn next_version(&self) -> &Arc<Definition> {
        match &self.old {
            Some(old) if self.turn.fetch_add(1, Ordering::Relaxed) % 2 == 1 => old,
            _ => &self.definition,
        }
    }

    /// Submits an event again if its environment ended before receiving it.
    fn retry(self: &Arc<Self>, work: Work) {
        if work.attempts < ATTEMPTS {
            return self.submit(work, false);
        }
        let reason = "no environment lived long enough to take the event";
        self.refuse(work, InvokeError::Crashed(reason.to_owned()));
    }

    fn refuse(&self, work: Work, error: InvokeError) {
        let result = Err(error);
        self.shared.record(&self.definition.name, work.init, Duration::ZERO, &result);
        // The caller may have given up by its limit.
        let _ = work.reply.send(result);
    }

    async fn start_for(
        self: Arc<Self>,
        mut work: Work,
        version: Arc<Definition>,
        reservation: Reservation<Environment>,
    ) {
        match self.start(&version).await {
            Ok((environment, init)) => {
                work.init = Some(init);
                if let Err(work) = environment.begin(work, reservation) {
                    self.retry(Work { attempts: work.attempts + 1, ..work });
                }
            }
            Err(error) => {
                drop(reservation);
                self.refuse(work, error);
            }
        }
    }

    /// Starts an environment. A failed init is tried once more within the function's own timeout, as Lambda does.
    async fn start(self: &Arc<Self>, version: &Arc<Definition>) -> Result<(Arc<Environment>, Duration), InvokeError> {
        match self.start_within(version, self.shared.limits.init).await {
            Err(InvokeError::Init(_)) => self.start_within(version, version.timeout).await,
            other => other,
        }
    }

    async fn start_within(
        self: &Arc<Self>,
        version: &Arc<Definition>,
        limit: Duration,
    ) -> Result<(Arc<Environment>, Duration), InvokeError> {
        let function = Arc::clone(self);
        launch::start(version, &self.shared, &self.pool, limit, move |work| function.retry(work)).await
    }
}

/// The variables of a function as Lambda sets them, those of the template included.
fn variables(
    function: &template::Function,
    given: &BTreeMap<String, String>,
    keys: Option<&Keys>,
    folder: &Path,
) -> Result<BTreeMap<String, String>> {
    let mut variables = function.environment.clone();
    for (key, value) in given {
        let secret = format!("{key}_SECRET_ARN");
        if variables.remove(&secret).is_some() || variables.contains_key(key) {
            variables.insert(key.clone(), value.clone());
        }
    }
    if let Some(endpoint) = given.get(ENDPOINT)
        && variables.keys().any(|key| key.ends_with("_SECRET_ARN"))
    {
        variables.insert(ENDPOINT.to_owned(), endpoint.clone());
    }
    // A function without permission to send is refused there.
    for endpoint in [mails::ENDPOINT, queues::ENDPOINT] {
        variables.extend(given.get_key_value(endpoint).map(|(key, url)| (key.clone(), url.clone())));
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
        ("LAMBDA_TASK_ROOT", folder.to_string_lossy().into_owned()),
        ("LAMBDA_RUNTIME_DIR", "/var/runtime".to_owned()),
        ("_HANDLER", "bootstrap".to_owned()),
        ("TZ", ":UTC".to_owned()),
        ("LANG", "en_US.UTF-8".to_owned()),
        ("PATH", "/usr/local/bin:/usr/bin/:/bin:/opt/bin".to_owned()),
    ];
    variables.extend(lambda.map(|(key, value)| (key.to_owned(), value)));
    let keys = keys.into_iter().flat_map(|keys| {
        [
            ("AWS_ACCESS_KEY_ID", Some(&keys.id)),
            ("AWS_SECRET_ACCESS_KEY", Some(&keys.secret)),
            ("AWS_SESSION_TOKEN", keys.token.as_ref()),
        ]
    });
    variables.extend(keys.filter_map(|(key, value)| Some((key.to_owned(), value?.clone()))));
    variables.extend(function.logging.1.clone().map(|level| ("AWS_LAMBDA_LOG_LEVEL".to_owned(), level)));
    Ok(variables)
}

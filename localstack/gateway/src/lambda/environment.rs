//! One execution environment: a process and the Runtime API that it talks to.

use std::{
    net::Ipv4Addr,
    sync::{Arc, Mutex, Weak},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use hyper::body::Bytes;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    net::TcpListener,
    process::Child,
    sync::{Mutex as AsyncMutex, mpsc, oneshot},
    task::AbortHandle,
    time::timeout,
};

use super::{Function, InvokeError, runtime_api};
use crate::{Logs, ids, processes::Signal};

/// Tells the caller how its event ended.
type Settle = oneshot::Sender<Result<Bytes, InvokeError>>;

/// An event on its way to a process.
pub(super) struct Work {
    pub(super) request_id: String,
    pub(super) payload: Bytes,
    pub(super) deadline_ms: i64,
    pub(super) taken: oneshot::Sender<()>,
    pub(super) answer: Settle,
}

/// How an attempt to run an event in an environment ended.
pub(super) enum Attempt {
    /// The process ended before it saw the event: another environment may try.
    NotStarted,
    Ended {
        result: Result<Bytes, InvokeError>,
        duration: Duration,
    },
}

/// What the Runtime API's server, the supervisor and the callers share.
pub(super) struct Environment {
    pub(super) function: Arc<Function>,
    pub(super) pid: u32,
    sender: mpsc::Sender<Work>,
    /// Locked by the one `next` that waits.
    pub(super) inbox: AsyncMutex<mpsc::Receiver<Work>>,
    /// The event that the process works on.
    pub(super) current: Mutex<Option<(String, Settle)>>,
    /// Taken by the first `next`, an init error, or the end of the process.
    ready: Mutex<Option<oneshot::Sender<Result<(), String>>>>,
    server: Mutex<Option<AbortHandle>>,
}

impl Environment {
    /// Starts a process and waits until it asks for work, at most `limit`. Answers how long that took, too.
    pub(super) async fn start(function: &Arc<Function>, limit: Duration) -> Result<(Arc<Self>, Duration), InvokeError> {
        let begun = Instant::now();
        let failed = |error: anyhow::Error| InvokeError::Init(format!("{error:#}"));
        let (environment, ready) = Self::launch(function).await.map_err(failed)?;
        match timeout(limit, ready).await {
            Ok(Ok(Ok(()))) => Ok((environment, begun.elapsed())),
            Ok(Ok(Err(message))) => {
                environment.kill();
                Err(InvokeError::Init(message))
            }
            Ok(Err(_)) => Err(InvokeError::Init("Runtime.ExitError".to_owned())),
            Err(_) => {
                environment.kill();
                Err(InvokeError::Init(format!("the init took longer than {limit:?}")))
            }
        }
    }

    async fn launch(function: &Arc<Function>) -> Result<(Arc<Self>, oneshot::Receiver<Result<(), String>>)> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?.to_string();
        let shared = &function.shared;
        let mut child = shared
            .spawner
            .spawn(&function.executable, &function.folder, function.environment(&address))
            .await
            .with_context(|| format!("cannot start {}", function.executable.display()))?;
        let pid = child.id().context("the process has no id")?;
        pump(child.stdout.take(), &shared.logs, &function.name);
        pump(child.stderr.take(), &shared.logs, &function.name);
        shared.processes.add(&function.name, pid);
        let (sender, inbox) = mpsc::channel(1);
        let (ready, is_ready) = oneshot::channel();
        let environment = Arc::new(Self {
            function: Arc::clone(function),
            pid,
            sender,
            inbox: AsyncMutex::new(inbox),
            current: Mutex::new(None),
            ready: Mutex::new(Some(ready)),
            server: Mutex::new(None),
        });
        let server = tokio::spawn(runtime_api::serve(listener, Arc::clone(&environment)));
        *crate::lock(&environment.server) = Some(server.abort_handle());
        tokio::spawn(supervise(child, Arc::downgrade(&environment), Arc::clone(function), pid));
        if crate::lock(&function.pool).closed {
            environment.kill();
        }
        Ok((environment, is_ready))
    }

    /// Runs one event; kills the process if it takes too long.
    pub(super) async fn run(&self, payload: Bytes, limit: Duration) -> Attempt {
        let (taken, is_taken) = oneshot::channel();
        let (answer, result) = oneshot::channel();
        let deadline_ms = ids::epoch_millis(ids::now()) + i64::try_from(limit.as_millis()).unwrap_or(i64::MAX / 2);
        let work = Work { request_id: ids::uuid(), payload, deadline_ms, taken, answer };
        let processes = &self.function.shared.processes;
        let begun = Instant::now();
        let course = async {
            if self.sender.send(work).await.is_err() || is_taken.await.is_err() {
                return Attempt::NotStarted;
            }
            processes.set_busy(self.pid, true);
            self.function.shared.faults.strike(&self.function.name, self.pid);
            let result = result.await.unwrap_or_else(|_| Err(InvokeError::Crashed("Runtime.ExitError".to_owned())));
            Attempt::Ended { result, duration: begun.elapsed() }
        };
        let attempt = timeout(limit, course).await;
        processes.set_busy(self.pid, false);
        attempt.unwrap_or_else(|_| {
            self.kill();
            Attempt::Ended { result: Err(InvokeError::TimedOut(limit)), duration: begun.elapsed() }
        })
    }

    /// Says that the init is over, for better or worse. Later calls do nothing.
    pub(super) fn ready(&self, result: Result<(), String>) {
        if let Some(ready) = crate::lock(&self.ready).take() {
            // Whoever waited has given up by its limit.
            let _ = ready.send(result);
        }
    }

    /// Settles the event that the process works on; false if it is another one.
    pub(super) fn settle(&self, request_id: &str, result: Result<Bytes, InvokeError>) -> bool {
        let mut current = crate::lock(&self.current);
        let answer = current.take_if(|(id, _)| id == request_id);
        answer.is_some_and(|(_, answer)| {
            // Whoever waited has given up by its limit.
            let _ = answer.send(result);
            true
        })
    }

    pub(super) fn kill(&self) {
        self.function.forget(self.pid);
        self.function.shared.processes.signal(self.pid, Signal::SIGKILL);
    }
}

/// Waits for the end of the process and tells everybody who waits for it.
async fn supervise(mut child: Child, environment: Weak<Environment>, function: Arc<Function>, pid: u32) {
    let status = child.wait().await;
    function.shared.processes.remove(pid);
    function.forget(pid);
    let Some(environment) = environment.upgrade() else { return };
    let reason = match status {
        Ok(status) => format!("Runtime.ExitError: {status}"),
        Err(error) => format!("Runtime.ExitError: {error}"),
    };
    environment.ready(Err(reason.clone()));
    if let Some(server) = crate::lock(&environment.server).take() {
        server.abort();
    }
    // What was handed over and not taken goes to another environment.
    let mut inbox = environment.inbox.lock().await;
    inbox.close();
    while inbox.recv().await.is_some() {}
    // `next` moves work from the inbox to `current` under the inbox's lock: nothing can be between them now.
    if let Some((_, answer)) = crate::lock(&environment.current).take() {
        // Whoever waited has given up by its limit.
        let _ = answer.send(Err(InvokeError::Crashed(reason)));
    }
}

fn pump(stream: Option<impl AsyncRead + Send + Unpin + 'static>, logs: &Logs, function: &str) {
    let (Some(stream), logs, function) = (stream, Arc::clone(logs), function.to_owned()) else { return };
    tokio::spawn(async move {
        let mut lines = BufReader::new(stream).split(b'\n');
        while let Ok(Some(line)) = lines.next_segment().await {
            logs(&function, String::from_utf8_lossy(&line).trim_end_matches('\r'));
        }
    });
}

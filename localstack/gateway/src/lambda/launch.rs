//! Starting an environment's process, and watching it until it ends.

use std::{
    net::Ipv4Addr,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    net::TcpListener,
    process::Child,
    sync::oneshot,
    task::{AbortHandle, JoinHandle},
    time::{sleep_until, timeout},
};

use super::{
    definition::{Definition, Shared},
    environment::Environment,
    pool::Pool,
    runtime_api,
    work::{InvokeError, Work},
};
use crate::config::Logs;

/// Starts a process and waits until its init is over, at most `limit`. Answers how long that took, too.
///
/// `retry` gets an event that the process never saw before it ended.
pub(super) async fn start(
    definition: &Arc<Definition>,
    shared: &Arc<Shared>,
    pool: &Arc<Pool<Environment>>,
    limit: Duration,
    retry: impl FnOnce(Work) + Send + 'static,
) -> Result<(Arc<Environment>, Duration), InvokeError> {
    let begun = Instant::now();
    let init = |error: anyhow::Error| InvokeError::Init(format!("{error:#}"));
    let Launched { environment, ready, confined } = launch(definition, shared, pool, retry).await.map_err(init)?;
    let reason = match timeout(limit, ready).await {
        Ok(Ok(Ok(()))) => {
            let took = begun.elapsed();
            match confined.await.map_err(anyhow::Error::from).flatten().and_then(|()| environment.limit_cpu()) {
                Ok(()) => return Ok((environment, took)),
                Err(error) => format!("{error:#}"),
            }
        }
        Ok(Ok(Err(reason))) => reason,
        Ok(Err(_)) => "Runtime.ExitError".to_owned(),
        Err(_) => format!("the init took longer than {limit:?}"),
    };
    environment.kill();
    Err(InvokeError::Init(reason))
}

struct Launched {
    environment: Arc<Environment>,
    /// Tells the end of the init.
    ready: oneshot::Receiver<Result<(), String>>,
    /// Ends when the process is in its control group, if it gets one.
    confined: JoinHandle<Result<()>>,
}

async fn launch(
    definition: &Arc<Definition>,
    shared: &Arc<Shared>,
    pool: &Arc<Pool<Environment>>,
    retry: impl FnOnce(Work) + Send + 'static,
) -> Result<Launched> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let mut child = shared
        .spawner
        .spawn(&definition.executable, &definition.folder, definition.environment(&address.to_string()))
        .await
        .with_context(|| format!("cannot start {}", definition.executable.display()))?;
    let pid = child.id().context("the process has no id")?;
    pump(child.stdout.take(), &shared.logs, &definition.name);
    pump(child.stderr.take(), &shared.logs, &definition.name);
    let (environment, ready) = Environment::new(definition, shared, pool, (pid, address.port()));
    let confined = tokio::task::spawn_blocking({
        let environment = Arc::clone(&environment);
        move || confine(&environment)
    });
    let server = tokio::spawn(runtime_api::serve(listener, Arc::clone(&environment)));
    tokio::spawn(supervise(child, Arc::clone(&environment), server.abort_handle(), retry));
    if pool.is_closed() {
        environment.kill();
    }
    Ok(Launched { environment, ready, confined })
}

/// The kernel takes milliseconds for this; the init runs meanwhile.
fn confine(environment: &Environment) -> Result<()> {
    if let Some(shares) = &environment.shared.cpu_shares {
        environment.keep(shares.enter(environment.process.pid())?);
    }
    Ok(())
}

/// Kills the process when an invocation takes too long, and reports its end to all waiting callers.
async fn supervise(
    mut child: Child,
    environment: Arc<Environment>,
    server: AbortHandle,
    retry: impl FnOnce(Work) + Send + 'static,
) {
    let status = loop {
        tokio::select! {
            status = child.wait() => break status,
            () = sleep_until(environment.due().into()) => environment.kill_overdue(),
        }
    };
    server.abort();
    let reason = match status {
        Ok(status) => format!("Runtime.ExitError: {status}"),
        Err(error) => format!("Runtime.ExitError: {error}"),
    };
    if let Some(unseen) = environment.ended(&reason) {
        retry(unseen);
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

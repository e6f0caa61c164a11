use domain::Fault;
use futures_util::future::join_all;
use std::time::Duration;
use tokio::time::timeout;

/// The jobs of one invocation.
#[derive(Debug)]
pub struct Batch<J> {
    /// What could be read.
    pub jobs: Vec<J>,
    /// How long there is for all of them.
    pub time_left: Duration,
}

impl<J> Batch<J> {
    /// Does the jobs at once, each by itself, and answers which of them failed or were late. Each fault is logged: `action` completes
    /// "Could not ...".
    pub async fn each(&self, action: &str, handle: impl AsyncFn(&J) -> Result<(), Fault>) -> Vec<usize> {
        // Whoever sees the whole batch is given up when the time is over: what is late must have failed before.
        let patience = self.time_left * 9 / 10;
        let attempts = self.jobs.iter().enumerate().map(async |(index, job)| {
            let done = timeout(patience, handle(job)).await.unwrap_or_else(|late| Err(Fault::unavailable(late)));
            done.inspect_err(|fault| fault.log(action)).err().map(|_| index)
        });
        join_all(attempts).await.into_iter().flatten().collect()
    }
}

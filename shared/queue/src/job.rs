use futures_util::future::BoxFuture;
use std::{fmt::Debug, sync::Arc, time::Duration};

/// What jobs are sent to, shared by all requests of an environment.
pub type Jobs = Arc<dyn Queue>;

/// Something that jobs can be sent to.
pub trait Queue: Debug + Send + Sync {
    /// Sends jobs, and returns the index of each that the queue did not take for certain; it may have it all the same.
    fn send<'a>(&'a self, jobs: &'a [Job]) -> BoxFuture<'a, Vec<usize>>;

    /// Opens what the first send would have to open. All queues of an environment share it.
    fn warm_up(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

/// Opens what the first send to any of these queues would have to open.
pub async fn warm_up<'q>(queues: impl IntoIterator<Item = Option<&'q Jobs>>) {
    if let Some(queue) = queues.into_iter().flatten().next() {
        queue.warm_up().await;
    }
}

/// A job for another function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// What it says, in JSON.
    pub body: String,
    /// How long the queue holds it back, 15 minutes at the most; parts of a second count as a whole one.
    pub delay: Duration,
    /// Whose it is: a queue that is busy with one group goes on with the others.
    pub group: Option<String>,
}

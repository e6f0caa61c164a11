#![doc = include_str!("../README.md")]

mod extension;
mod layer;

pub use layer::{AfterResponse, BackgroundLayer, Invocation};

use futures_util::{
    FutureExt as _,
    future::{BoxFuture, join_all},
};
use std::{
    fmt,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{sync::mpsc, time::timeout};
use tracing::{Instrument as _, error, info, warn};

/// How long the work of one invocation may take, unless said otherwise; the functions' own limits are above it.
const TIME_LIMIT: Duration = Duration::from_secs(5);

/// Runs work after the answer where the environment can be kept awake for it, else before the answer.
#[derive(Clone, Debug)]
pub struct Background {
    queue: Option<Arc<Queue>>,
    time_limit: Duration,
}

type Work = BoxFuture<'static, ()>;

/// What the present invocation has asked for, and where it goes after the response.
struct Queue {
    pending: Mutex<Vec<Work>>,
    extension: mpsc::UnboundedSender<Batch>,
}

/// The work of one invocation.
struct Batch {
    works: Vec<Work>,
    time_limit: Duration,
}

impl Background {
    /// Work runs before the answer, as in tests and on runtimes without the Extensions API.
    pub fn inline() -> Self {
        Self { queue: None, time_limit: TIME_LIMIT }
    }

    /// Registers an internal extension; call it during init, before the runtime's first Next. Where no Extensions API answers,
    /// work runs inline.
    ///
    /// # Panics
    ///
    /// Outside Lambda, where `AWS_LAMBDA_RUNTIME_API` is not set, as the runtime itself does.
    pub async fn register() -> Self {
        let (sender, batches) = mpsc::unbounded_channel();
        match extension::register(batches).await {
            Ok(extension) => {
                start(extension);
                let queue = Queue { pending: Mutex::default(), extension: sender };
                Self { queue: Some(Arc::new(queue)), time_limit: TIME_LIMIT }
            }
            Err(error) => {
                info!("Work runs before the answer, since no extension can be registered: {error}");
                Self::inline()
            }
        }
    }

    /// The same with another limit for the work of one invocation.
    #[must_use]
    pub fn with_time_limit(self, time_limit: Duration) -> Self {
        Self { time_limit, ..self }
    }

    /// Queues the work until the response was handed to Lambda, and returns at once; inline, runs it now.
    pub async fn run(&self, work: impl Future<Output = ()> + Send + 'static) {
        let work = work.in_current_span().boxed();
        match &self.queue {
            Some(queue) => queue.pending().push(work),
            None => Batch { works: vec![work], time_limit: self.time_limit }.finish(self.time_limit).await,
        }
    }

    /// Goes around `lambda_runtime::Runtime`, as its outermost layer, and hands each invocation's work over when it has ended.
    pub fn layer(&self) -> BackgroundLayer {
        BackgroundLayer(self.clone())
    }

    /// Called once after each response. What the extension can't take any more is left to the caller.
    fn hand_over(&self) -> Option<Work> {
        let queue = self.queue.as_ref()?;
        let batch = Batch { works: std::mem::take(&mut *queue.pending()), time_limit: self.time_limit };
        let refused = queue.extension.send(batch).err()?.0;
        Some(refused.finish(self.time_limit).boxed())
    }
}

/// Lets the extension wait for invocations beside the runtime.
#[expect(clippy::disallowed_methods, reason = "it is what keeps the environment awake")]
fn start(extension: impl Future<Output = Result<(), lambda_extension::Error>> + Send + 'static) {
    tokio::spawn(async {
        // Its end closes the channel, so that each invocation finishes its own work.
        if let Err(error) = extension.await {
            error!("The extension for work after the answer ended: {error}");
        }
    });
}

impl Queue {
    fn pending(&self) -> std::sync::MutexGuard<'_, Vec<Work>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Batch {
    /// Runs all of it at once, as long as it may take.
    async fn finish(self, left: Duration) {
        if self.works.is_empty() {
            return;
        }
        let works = self.works.into_iter().map(async |work| {
            // `boot`'s panic hook has logged where.
            if AssertUnwindSafe(work).catch_unwind().await.is_err() {
                error!("Work after the answer panicked");
            }
        });
        let time_limit = self.time_limit.min(left);
        if timeout(time_limit, join_all(works)).await.is_err() {
            warn!("Dropped work that took longer than {time_limit:?} after the answer");
        }
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("pending", &self.pending().len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        future::pending,
        sync::atomic::{AtomicBool, Ordering},
    };

    #[tokio::test]
    async fn inline_work_is_done_before_run_returns() {
        let done = Arc::new(AtomicBool::new(false));
        let work = Arc::clone(&done);

        Background::inline().run(async move { work.store(true, Ordering::Relaxed) }).await;

        assert!(done.load(Ordering::Relaxed));
    }

    #[tokio::test]
    async fn panicking_inline_work_does_not_reach_the_caller() {
        Background::inline().run(async { panic!("on purpose") }).await;
    }

    #[tokio::test(start_paused = true)]
    async fn late_inline_work_is_dropped() {
        Background::inline().with_time_limit(Duration::from_secs(1)).run(pending()).await;
    }
}

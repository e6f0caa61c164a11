use crate::App;
use domain::{METRICS, Timestamp, notification::Device};
use push::Outcome;
use std::{
    collections::BTreeMap,
    mem,
    sync::{Mutex, PoisonError},
};
use tokio::{
    sync::Semaphore,
    time::{Duration, Instant},
};

/// How many requests to services are under way at once.
const SENDS: usize = 16;

/// How many badges are counted, or devices looked at, at once.
const COUNTS: usize = 8;

/// How long the requests of one invocation may take in all.
const SENDING: Duration = Duration::from_secs(40);

/// One invocation.
pub(crate) struct Run<'a> {
    pub(crate) app: &'a App,
    pub(crate) sends: Semaphore,
    pub(crate) counts: Semaphore,
    /// When the last request ends.
    pub(crate) until: Instant,
    /// Devices that their services know no more.
    gone: Mutex<Vec<Device>>,
    tally: Mutex<BTreeMap<&'static str, Tally>>,
}

/// What became of notifications through one provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Tally {
    pub(crate) sent: usize,
    /// They are tried again, or were refused by a fault of ours.
    pub(crate) failed: usize,
    /// The provider knows the device no more.
    pub(crate) refused: usize,
}

impl<'a> Run<'a> {
    /// Leaves time for what is noted after the last request.
    pub(crate) fn new(app: &'a App, time_left: Duration) -> Self {
        let sending = SENDING.min(time_left * 2 / 3);
        let until = Instant::now() + sending;
        let (sends, counts) = (Semaphore::new(SENDS), Semaphore::new(COUNTS));
        Self { app, sends, counts, until, gone: Mutex::default(), tally: Mutex::default() }
    }

    /// Counts what became of a notification.
    pub(crate) fn count(&self, provider: &'static str, outcome: &Outcome) {
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        let of = tally.entry(provider).or_default();
        *match outcome {
            Outcome::Delivered => &mut of.sent,
            Outcome::DeviceGone => &mut of.refused,
            Outcome::Again(_) | Outcome::Failed(_) => &mut of.failed,
        } += 1;
    }

    /// Writes the metrics of the invocation, whose oldest job was so old: a line for each provider that was asked.
    pub(crate) fn tell(&self, oldest: Duration) {
        for (provider, of) in &*self.tally.lock().unwrap_or_else(PoisonError::into_inner) {
            tracing::info!(
                target: METRICS,
                Provider = provider,
                PushesSent = of.sent,
                PushesFailed = of.failed,
                TokensRefused = of.refused,
                QueueAgeSeconds = oldest.as_secs(),
                "Notified devices"
            );
        }
    }

    /// Has devices forgotten once all jobs are done.
    pub(crate) fn forget_later(&self, gone: impl IntoIterator<Item = Device>) {
        self.gone.lock().unwrap_or_else(PoisonError::into_inner).extend(gone);
    }

    pub(crate) fn take_gone(&self) -> Vec<Device> {
        mem::take(&mut *self.gone.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.app.clock.now()
    }
}

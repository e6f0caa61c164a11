use crate::App;
use domain::Timestamp;
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
}

impl<'a> Run<'a> {
    /// Leaves time for what is noted after the last request.
    pub(crate) fn new(app: &'a App, time_left: Duration) -> Self {
        let sending = SENDING.min(time_left * 2 / 3);
        let until = Instant::now() + sending;
        Self { app, sends: Semaphore::new(SENDS), counts: Semaphore::new(COUNTS), until }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.app.clock.now()
    }
}

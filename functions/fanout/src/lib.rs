#![doc = include_str!("../README.md")]

mod pack;
mod round;

use boot::BoxError;
use domain::{Clock, Fault, METRICS, Random};
use pack::{Parcel, parcels};
use queue::{FanoutFrame, FanoutJob, Jobs, PresenceJob, Sqs, Target};
use realtime::{ManagementApi, Pusher};
use round::Round;
use std::{collections::HashSet, sync::Arc, time::Duration};
use tokio::time::{Instant, sleep};
use tracing::{debug, info, warn};
use worker::Batch;

/// How long each repetition waits at the most.
const PAUSES: [Duration; 4] =
    [Duration::from_millis(100), Duration::from_millis(200), Duration::from_millis(400), Duration::from_millis(800)];

/// When the last repetition begins at the latest: one connection that hangs keeps nothing else waiting.
const PATIENCE: Duration = Duration::from_millis(1500);

/// What is left of an invocation after the last push has begun: it takes 2 s at the most, and the queues half a second each.
const AFTERWARDS: Duration = Duration::from_secs(4);

/// How long what still fails then stays in the queue.
const REST: Duration = Duration::from_secs(1);

/// What the function works with.
#[derive(Debug, Clone)]
pub struct App {
    /// Reaches connections.
    pub pusher: Pusher,
    /// Takes what is to be tried again.
    pub fanout: Option<Jobs>,
    /// Hears of connections that are gone.
    pub presence: Option<Jobs>,
    /// The time.
    pub clock: Clock,
    /// Spreads repetitions.
    pub random: Random,
}

/// What became of the frames of a batch, each counted once for each connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Report {
    /// Frames that arrived.
    pub sent: usize,
    /// Frames that nobody waits for any more.
    pub late: usize,
    /// Frames that will never arrive as they are.
    pub refused: usize,
    /// Frames that went back to the queue.
    pub again: usize,
    /// Connections that are gone.
    pub gone: usize,
}

impl Report {
    /// Writes a line, of metrics where a push failed for good.
    fn tell(&self, jobs: usize) {
        let Self { sent, late, refused, again, gone } = *self;
        if late + refused > 0 {
            let failed = late + refused;
            info!(target: METRICS, FailedPushes = failed, jobs, sent, late, refused, again, gone, "Pushed the frames of jobs");
        } else {
            debug!(jobs, sent, again, gone, "Pushed the frames of jobs");
        }
    }
}

/// Works off a batch. No job fails: what does not arrive is tried again as a job of its own, or found by `sync`.
pub async fn work(app: &App, batch: Batch<FanoutJob>) -> Result<Vec<usize>, Fault> {
    app.push(&batch.jobs, batch.time_left).await;
    Ok(Vec::new())
}

impl App {
    /// Reads the settings and opens connections to `@connections` and to SQS.
    pub async fn connect() -> Result<Self, BoxError> {
        let (connections_url, fanout, presence, aws) = boot::read(|settings| {
            let (fanout, presence) = (settings.fanout_queue_url(), settings.presence_queue_url());
            (settings.connections_url(), fanout, presence, settings.aws())
        })
        .await?;
        let pusher = Arc::new(ManagementApi::new(&connections_url, &aws));
        let app = Self {
            pusher,
            fanout: Sqs::jobs(fanout.as_deref(), &aws),
            presence: Sqs::jobs(presence.as_deref(), &aws),
            clock: boot::clock(),
            random: boot::random(),
        };
        let queues = [app.fanout.as_ref(), app.presence.as_ref()];
        tokio::join!(app.pusher.warm_up(), queue::warm_up(queues));
        Ok(app)
    }

    /// Pushes the frames of some jobs, and returns within a time when each has arrived, is late, or is left to another batch.
    pub async fn push(&self, jobs: &[FanoutJob], time_left: Duration) -> Report {
        let begun = Instant::now();
        let until = begun + time_left.saturating_sub(AFTERWARDS);
        let mut round = Round::default();
        let mut waiting = round.push(&*self.pusher, self.clock, until, parcels(jobs)).await;
        for pause in PAUSES {
            let pause = self.jitter(pause);
            if waiting.is_empty() || begun.elapsed() + pause > PATIENCE {
                break;
            }
            sleep(pause).await;
            waiting = round.push(&*self.pusher, self.clock, until, waiting).await;
        }
        let again = self.try_again_later(jobs, &waiting).await;
        self.tell_of_gone(&round.gone).await;
        let Round { sent, late, refused, gone } = round;
        let left: usize = waiting.iter().map(|parcel| parcel.frames.len()).sum();
        let report = Report { sent, late: late + left.saturating_sub(again), refused, again, gone: gone.len() };
        report.tell(jobs.len());
        report
    }

    /// Sends back to the queue what is still worth it then; returns how many frames.
    async fn try_again_later(&self, jobs: &[FanoutJob], waiting: &[Parcel<'_>]) -> usize {
        let Some(queue) = self.fanout.as_ref().filter(|_| !waiting.is_empty()) else { return 0 };
        let (again, then) = (left_of(jobs, waiting), self.clock.now().plus(REST));
        let again: Vec<_> = again.into_iter().filter(|job| job.not_after > then).collect();
        let sent: Vec<_> = again.iter().map(|job| job.to_job(REST)).collect();
        let refused = queue.send(&sent).await;
        let taken = again.iter().enumerate().filter(|(index, _)| !refused.contains(index));
        taken.map(|(_, job)| job.frames.iter().map(|frame| frame.connections.len()).sum::<usize>()).sum()
    }

    async fn tell_of_gone(&self, gone: &[&Target]) {
        let Some(queue) = self.presence.as_ref().filter(|_| !gone.is_empty()) else { return };
        let (gone_by, found) = (Some(self.clock.now()), gone.iter().copied().cloned().collect());
        let job = PresenceJob { gone: found, gone_by, ..PresenceJob::default() };
        if !queue.send(&[job.to_job(PresenceJob::GRACE)]).await.is_empty() {
            warn!(gone = gone.len(), "Could not tell of closed connections");
        }
    }

    /// Any time up to a limit, or all that failed at once would come at once again.
    fn jitter(&self, most: Duration) -> Duration {
        let [byte] = self.random.bytes();
        most * u32::from(byte) / u32::from(u8::MAX)
    }
}

/// The jobs with nothing but what waits.
fn left_of(jobs: &[FanoutJob], waiting: &[Parcel<'_>]) -> Vec<FanoutJob> {
    let left: HashSet<_> = waiting
        .iter()
        .flat_map(|parcel| parcel.frames.iter().map(|frame| (frame.job, frame.index, &parcel.target.id)))
        .collect();
    let jobs = jobs.iter().enumerate().map(|(at, job)| {
        let frames = job.frames.iter().enumerate().map(|(index, FanoutFrame { text, connections })| {
            let connections = connections.iter().filter(|target| left.contains(&(at, index, &target.id)));
            FanoutFrame { text: text.clone(), connections: connections.cloned().collect() }
        });
        let frames = frames.filter(|frame| !frame.connections.is_empty()).collect();
        FanoutJob { room: job.room, frames, not_after: job.not_after }
    });
    jobs.filter(|job| !job.frames.is_empty()).collect()
}

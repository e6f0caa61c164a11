#![doc = include_str!("../README.md")]

mod again;
mod audience;
mod clear;
mod deliver;
mod forget;
mod friend;
mod look;
mod notice;
mod retry;
mod run;
mod tell;
mod trial;

use boot::{BoxError, warm_up};
use domain::{Clock, Fault, Random};
use futures_util::stream::{self, StreamExt as _};
use mongo::Mongo;
use push::Providers;
use queue::{Jobs, PushJob, PushKind, Sqs};
use run::Run;
use std::{cmp::Reverse, collections::BTreeMap, time::Duration};
use tokio::time::{Instant, timeout, timeout_at};
use tracing::{info, warn};
use worker::Batch;

/// How old a job may be: what it is about is no news any more.
const WORTH: Duration = Duration::from_hours(1);

/// How long it may take to forget what is gone once all jobs are done.
const COUNTING: Duration = Duration::from_secs(3);

/// In how many rooms at once jobs are done.
const ROOMS: usize = 4;

/// What jobs are done with.
#[derive(Debug)]
pub struct App {
    /// Where to look.
    pub mongo: Mongo,
    /// Takes jobs for later.
    pub queue: Jobs,
    /// The services that bring notifications to devices.
    pub providers: Providers,
    /// The time.
    pub clock: Clock,
    /// Spreads tries.
    pub random: Random,
}

impl App {
    /// Reads the settings and connects.
    pub async fn connect() -> Result<Self, BoxError> {
        let (mongo_url, queue_url, push, aws) =
            boot::read(|settings| (settings.mongo_url(), settings.push_queue_url(), settings.push(), settings.aws()))
                .await?;
        let push = push.ok_or("PUSH_SECRET is missing")?;
        let queue = Sqs::jobs(queue_url.as_deref(), &aws).ok_or("PUSH_QUEUE_URL is missing")?;
        let (mongo, clock, random) = (Mongo::connect(&mongo_url).await?, boot::clock(), boot::random());
        tokio::join!(warm_up("open connections to MongoDB", mongo.warm_up()), queue.warm_up());
        let providers = Providers::new(&push, Some(&mongo), clock, random)?;
        Ok(Self { mongo, queue, providers, clock, random })
    }
}

/// Does a batch of jobs and answers which of them must come again.
///
/// Those of one room one after the other, the newest message first: what came before it is then told already, and a burst of messages
/// is one notification.
pub async fn handle(app: &App, batch: Batch<PushJob>) -> Result<Vec<usize>, Fault> {
    let Batch { jobs, time_left } = batch;
    app.providers.begin();
    let run = Run::new(app, time_left);
    let oldest = jobs.iter().map(|job| job.at.until(run.now())).max().unwrap_or_default();
    let mut rooms: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (index, job) in jobs.into_iter().enumerate() {
        // What belongs to no room waits for nothing.
        let alone = job.room.is_none().then_some(index);
        rooms.entry((job.room, alone)).or_default().push((index, job));
    }
    let deadline = Instant::now() + time_left * 9 / 10;
    let failed = stream::iter(rooms.into_values()).map(|jobs| do_in_order(&run, jobs, deadline));
    let failed: Vec<_> = failed.buffer_unordered(ROOMS).collect().await;
    run.tell(oldest);
    if timeout(COUNTING, forget::forget_gone(&run)).await.is_err() {
        warn!("Left devices that are gone to a later batch");
    }
    Ok(failed.into_iter().flatten().collect())
}

async fn do_in_order(run: &Run<'_>, mut jobs: Vec<(usize, PushJob)>, deadline: Instant) -> Vec<usize> {
    // Of checks the latest first, which stays.
    let made_at = |job: &PushJob| (job.kind == PushKind::Check).then_some(Reverse(job.at));
    jobs.sort_by_key(|(_, job)| (rank(job.kind), made_at(job), Reverse(job.seq)));
    // A second look at the same time finds nothing more.
    jobs.dedup_by_key(|(index, job)| (job.kind, (job.kind != PushKind::Check).then_some(*index), job.from, job.to));
    let mut failed = Vec::new();
    for (index, job) in jobs {
        let done = timeout_at(deadline, do_one(run, &job)).await.unwrap_or_else(|late| Err(Fault::unavailable(late)));
        if let Err(fault) = done {
            fault.log("notify devices");
            failed.push(index);
        }
    }
    failed
}

/// News before what looks for forgotten ones.
const fn rank(kind: PushKind) -> u8 {
    match kind {
        PushKind::Message => 0,
        PushKind::Check => 1,
        PushKind::Retry | PushKind::Clear | PushKind::Friend | PushKind::Test => 2,
    }
}

async fn do_one(run: &Run<'_>, job: &PushJob) -> Result<(), Fault> {
    if job.at.plus(WORTH) < run.now() {
        info!(kind = ?job.kind, room.id = job.room.map(|room| room.to_string()), "Dropped a job that came too late");
        return Ok(());
    }
    match job.kind {
        PushKind::Message => Box::pin(look::at_message(run, job)).await,
        PushKind::Check => Box::pin(look::at_room(run, job)).await,
        PushKind::Retry => Box::pin(retry::retry(run, job)).await,
        PushKind::Clear => Box::pin(clear::clear(run, job)).await,
        PushKind::Friend => Box::pin(friend::friend(run, job)).await,
        PushKind::Test => Box::pin(trial::trial(run, job)).await,
    }
}

/// What a job needs and has not: another version of the code wrote it.
fn incomplete() -> Fault {
    Fault::internal("the job does not say where to look")
}

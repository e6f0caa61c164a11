//! A run against a real stack.

use std::{cell::RefCell, collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context;
use gateway::{InvocationRecord, Outcome};
use serde_json::json;
use stack::{Progress, Remains, Source, Stack};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::{
    drive::{Plan, drive},
    faults::Breaker,
    history::{Event, History, Recorder},
    options::{Fault, Options},
    report::{Counts, Report},
    stack_doors::{Reader, StackDoors},
    verify::verify,
};

/// How many events are printed of a run that did not finish.
const LAST: usize = 30;
/// Longer than a connection is believed to live after its last frame.
const LIFE: Duration = Duration::from_mins(20);
/// How long the sweep may take, and telling who went meanwhile.
const SWEEP: Duration = Duration::from_mins(2);

/// Starts a stack with its own databases, runs the clients, checks the history, and removes everything.
pub async fn run(options: Options) -> anyhow::Result<Report> {
    let (stack, _folder) = start(options.binaries.clone(), options.old_binaries.clone(), &options.progress).await?;
    let report = play(&stack, options).await;
    stack.stop().await;
    report
}

/// Starts a stack with its own databases in a folder that is removed when it is dropped.
pub async fn start(
    binaries: Option<PathBuf>,
    old_binaries: Option<PathBuf>,
    progress: &Progress,
) -> anyhow::Result<(Stack, TempDir)> {
    std::fs::create_dir_all(stack::local())?;
    let folder = tempfile::Builder::new().prefix("check-").tempdir_in(stack::local())?;
    let mut setup = stack::Options::new(Source::Own(folder.path().to_owned())).without_limits();
    setup.binaries = binaries;
    setup.old_binaries = old_binaries;
    setup.progress = progress.clone();
    // Whoever goes counts as offline after half a minute, or two if they came just before; devices are told later as well.
    setup.limits.queue_speed = 10;
    setup.environment.insert("ACCESS_TOKEN_EXPIRE_HOURS".to_owned(), "24".to_owned());
    Ok((Stack::start(setup).await?, folder))
}

/// Runs the clients against a running stack whose databases may be killed, and checks the history.
pub async fn play(stack: &Stack, options: Options) -> anyhow::Result<Report> {
    let (history, faults) = record(stack, &options).await?;
    let step = options.progress.step("checking the history");
    let violations = verify(&history);
    step.done(&format!("{} events, {} violations", history.entries.len(), violations.len()));
    Ok(Report { options, counts: Counts::of(&history), faults, violations })
}

async fn record(stack: &Stack, options: &Options) -> anyhow::Result<(History, BTreeMap<String, usize>)> {
    let databases = stack.databases().context("the databases of this stack are not its own to break")?;
    let recorder = Arc::new(Recorder::default());
    let reader = Reader::new(&recorder);
    let doors = StackDoors::open(stack, options, reader.clone()).await?;
    let breaker = Breaker {
        gateway: stack.gateway(),
        databases,
        recorder: &recorder,
        plan: &options.faults,
        seed: options.seed,
        broken: RefCell::default(),
    };
    let plan = Plan {
        rooms: doors.rooms(),
        groups: doors.groups(),
        group_clients: options.group_clients,
        clients: options.clients,
        seed: options.seed,
        lasts: options.lasts(),
        usage: options.usage.clone(),
    };
    let before = stack.gateway().records().len();
    let step =
        options.progress.step(&format!("seed {}: playing for {} s, then settling", options.seed, options.seconds));
    let driven = drive(&doors, &plan, &recorder, breaker.run(options.lasts())).await;
    step.done(&format!("seed {}: {} events", options.seed, recorder.len()));
    let left = if driven.is_ok() { sweep(stack, &recorder, &options.progress).await? } else { 0 };
    let mut faults = outcomes(stack.gateway().records().get(before..).unwrap_or_default());
    faults.insert("connections cut while frozen".to_owned(), stack.gateway().faults().connections_cut());
    for (fault, count) in breaker.broken.take() {
        faults.insert(<&str>::from(fault).to_owned(), count);
    }
    faults.insert("frames compared with the document".to_owned(), reader.frames());
    faults.insert("people of whose connections an end was lost".to_owned(), left);
    let mut history = recorder.take();
    if let Err(error) = driven {
        let positions = history.entries.len().saturating_sub(LAST)..history.entries.len();
        let lines = history.excerpt(positions, LAST).join("\n    ");
        return Err(error.context(format!("the run did not come to an end; its last events:\n    {lines}")));
    }
    history.frames_repeat = options.faults.has(Fault::Events);
    Ok((history, faults))
}

/// Lets the time of all connections pass, which have ended, until nothing is left of them. Answers of how many people there were any.
async fn sweep(stack: &Stack, recorder: &Recorder, progress: &Progress) -> anyhow::Result<usize> {
    let step = progress.step("sweeping connections whose end was lost");
    let left = stack.age_connections(LIFE).await?;
    stack.age_presence(LIFE).await?;
    let until = Instant::now() + SWEEP;
    let remains = loop {
        // A run that fails is followed by the next one, as by the schedule.
        let _ = stack.gateway().invoke("relay", json!({})).await;
        let remains = stack.remains().await?;
        if remains == Remains::default() || Instant::now() > until {
            break remains;
        }
        sleep(Duration::from_secs(1)).await;
    };
    let Remains { connections, online } = remains;
    recorder.record(None, Event::Remains { connections, online });
    step.done(&format!("connections of {left} people were swept, {connections} connections are left"));
    Ok(usize::try_from(left)?)
}

/// How invocations ended, by function.
fn outcomes(records: &[InvocationRecord]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for record in records {
        let how = match record.outcome {
            Outcome::Success => "answered",
            Outcome::FunctionError => "failed by itself",
            Outcome::Crash => "died in the middle",
            Outcome::Timeout => "took too long and was killed",
            Outcome::InitError => "did not start",
            Outcome::Throttled => "had no environment free",
            Outcome::TooLarge => "was given or answered too much",
        };
        *counts.entry(format!("{} {how}", record.function)).or_default() += 1;
    }
    counts
}

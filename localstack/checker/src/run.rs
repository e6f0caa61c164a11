//! A run against a real stack.

use std::{cell::RefCell, collections::BTreeMap, path::PathBuf};

use anyhow::Context;
use gateway::{InvocationRecord, Outcome};
use stack::{Progress, Source, Stack};
use tempfile::TempDir;

use crate::{
    drive::{Plan, drive},
    faults::Breaker,
    history::{History, Recorder},
    options::{Fault, Options},
    report::{Counts, Report},
    stack_doors::StackDoors,
    verify::verify,
};

/// How many events are printed of a run that did not finish.
const LAST: usize = 30;

/// Starts a stack with its own databases, runs the clients, checks the history, and removes everything.
pub async fn run(options: Options) -> anyhow::Result<Report> {
    let (stack, _folder) = start(options.binaries.clone(), &options.progress).await?;
    let report = play(&stack, options).await;
    stack.stop().await;
    report
}

/// Starts a stack with its own databases in a folder that is removed when it is dropped.
pub async fn start(binaries: Option<PathBuf>, progress: &Progress) -> anyhow::Result<(Stack, TempDir)> {
    std::fs::create_dir_all(stack::local())?;
    let folder = tempfile::Builder::new().prefix("check-").tempdir_in(stack::local())?;
    let mut setup = stack::Options::new(Source::Own(folder.path().to_owned())).without_limits();
    setup.binaries = binaries;
    setup.progress = progress.clone();
    // Whoever goes counts as offline after half a minute, or two if they came just before.
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
    let doors = StackDoors::open(&stack.urls().http, options).await?;
    let recorder = Recorder::default();
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
    let mut faults = outcomes(stack.gateway().records().get(before..).unwrap_or_default());
    faults.insert("connections cut while frozen".to_owned(), stack.gateway().faults().connections_cut());
    for (fault, count) in breaker.broken.take() {
        faults.insert(<&str>::from(fault).to_owned(), count);
    }
    let mut history = recorder.take();
    if let Err(error) = driven {
        let positions = history.entries.len().saturating_sub(LAST)..history.entries.len();
        let lines = history.excerpt(positions, LAST).join("\n    ");
        return Err(error.context(format!("the run did not come to an end; its last events:\n    {lines}")));
    }
    history.frames_repeat = options.faults.has(Fault::Events);
    Ok((history, faults))
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

//! `cargo local test`.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::{ExitCode, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use stack::{Databases, Extent, Profile, Progress, Scratch, root};
use tokio::process::{Child, Command};

use crate::interrupt::{INTERRUPTED, Interrupt};

/// Builds everything once, starts databases on free ports in a folder of this run, and runs `cargo test --workspace`.
///
/// The databases and the folder are removed when the tests end. The exit code is that of the tests. Runs can overlap.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Arguments for `cargo test`: `-- --test journeys`, `-- some_name`, `-- some_name -- --nocapture`
    #[arg(last = true)]
    cargo: Vec<OsString>,
}

pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    let begun = Instant::now();
    let progress = Progress::detect();
    let mut interrupt = Interrupt::listen()?;
    let scratch = Scratch::new()?;
    let prepared = tokio::select! {
        prepared = prepare(scratch.path(), &progress) => prepared?,
        () = interrupt.asked() => return Ok(ExitCode::from(INTERRUPTED)),
    };
    progress.say(&format!("running the tests, {:.1} s after the start", begun.elapsed().as_secs_f32()));
    let mut tests = prepared.tests(&args.cargo)?;
    let status = tokio::select! {
        status = tests.wait() => Some(status?),
        () = interrupt.asked() => end(&mut tests).await,
    };
    prepared.databases.abandon().await;
    drop(scratch);
    progress.say(&format!("{} after {:.0} s", verdict(status), begun.elapsed().as_secs_f32()));
    Ok(status.map_or(ExitCode::from(INTERRUPTED), code))
}

/// What the tests need.
struct Prepared {
    binaries: PathBuf,
    databases: Databases,
    emulator: Option<PathBuf>,
}

async fn prepare(folder: &Path, progress: &Progress) -> Result<Prepared> {
    let databases = folder.join("databases");
    let (binaries, databases, emulator) = tokio::try_join!(
        stack::build(Profile::Dev, Extent::Everything, progress),
        Databases::start(&databases, progress),
        emulator(progress),
    )?;
    Ok(Prepared { binaries, databases, emulator })
}

/// AWS's Runtime Interface Emulator, given or downloaded. Tests that need it fail where it is missing.
async fn emulator(progress: &Progress) -> Result<Option<PathBuf>> {
    if let Some(given) = std::env::var_os("LAMBDA_RIE").filter(|given| !given.is_empty()) {
        return Ok(Some(given.into()));
    }
    let fetched = stack::runtime_interface_emulator(progress).await;
    if let Err(error) = &fetched {
        progress.say(&format!("! no Runtime Interface Emulator: {error:#}"));
    }
    Ok(fetched.ok())
}

impl Prepared {
    fn tests(&self, arguments: &[OsString]) -> Result<Child> {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(["test", "--workspace"]).args(arguments).current_dir(root());
        command.env("TEST_MYSQL_URL", self.databases.mysql_url("")).env("TEST_MONGO_URL", self.databases.mongo_url(""));
        command.env("FUNCTION_BINARIES", &self.binaries);
        if let Some(emulator) = &self.emulator {
            command.env("LAMBDA_RIE", emulator);
        }
        // Its own group, which can be ended as a whole; Ctrl-C reaches only this process.
        command.stdin(Stdio::null()).process_group(0).kill_on_drop(true);
        command.spawn().context("cannot run cargo")
    }
}

/// Stops a command and what it started.
pub(crate) async fn end(tests: &mut Child) -> Option<ExitStatus> {
    let group = Pid::from_raw(i32::try_from(tests.id()?).ok()?);
    let _ = killpg(group, Signal::SIGTERM);
    let _ = tokio::time::timeout(Duration::from_secs(3), tests.wait()).await;
    let _ = killpg(group, Signal::SIGKILL);
    let _ = tests.wait().await;
    None
}

fn verdict(status: Option<ExitStatus>) -> &'static str {
    match status {
        Some(status) if status.success() => "all tests passed",
        Some(_) => "the tests failed",
        None => "interrupted",
    }
}

/// The exit code of a command as ours.
pub(crate) fn code(status: ExitStatus) -> ExitCode {
    status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
}

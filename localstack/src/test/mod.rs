//! `cargo local test`.

mod failures;

use std::{
    ffi::{OsStr, OsString},
    io::{PipeReader, Read as _, Write as _, pipe, stdout},
    path::PathBuf,
    process::{ExitCode, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use stack::{Databases, Extent, Profile, Progress, Scratch, Wanted, root};
use tokio::{
    process::{Child, Command},
    sync::oneshot,
};

use crate::interrupt::{INTERRUPTED, Interrupt};
use failures::Failures;

const EXAMPLES: &str = "\
Examples:
  cargo local test                                    every test of the workspace
  cargo local test -- -p stack                        those of one package
  cargo local test -- --test journeys tickets         the journeys with `tickets` in their names
  cargo local test -- -p stack --lib -- --nocapture   with what the tests print";

/// Builds everything, starts databases on ports and in a folder of this run, and runs `cargo test --workspace --no-fail-fast`.
///
/// At the end it lists the tests that failed, each with the command that runs it again. The exit code is that of `cargo test`.
/// The databases and their folder are removed; where Linux has 8 GB for files in memory, they lie there. Runs can overlap.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Stop after the first test binary with a failure
    #[arg(long)]
    fail_fast: bool,
    /// Passed on to `cargo test`: packages (with them, `--workspace` is left out), targets, names of tests
    #[arg(last = true, value_name = "CARGO_TEST_ARGUMENTS")]
    cargo: Vec<OsString>,
}

impl Args {
    /// The arguments of cargo.
    fn for_cargo(&self) -> Vec<OsString> {
        let mut arguments = vec![OsString::from("test")];
        if !self.selects(is_package) && !self.selects(|argument| argument == "--workspace" || argument == "--all") {
            arguments.push("--workspace".into());
        }
        // Cargo takes it once only.
        if !self.fail_fast && !self.selects(|argument| argument == "--no-fail-fast") {
            arguments.push("--no-fail-fast".into());
        }
        arguments.extend(self.cargo.iter().cloned());
        arguments
    }

    /// Whether one of the arguments is like that, those for the test binaries aside.
    fn selects(&self, wanted: impl Fn(&OsStr) -> bool) -> bool {
        self.cargo.iter().take_while(|argument| *argument != "--").any(|argument| wanted(argument))
    }

    /// What the tests need that cargo does not build by itself. All of the workspace is built in the same way only together.
    fn extent(&self) -> Extent {
        if self.selects(is_package) { Extent::Binaries } else { Extent::Everything }
    }
}

/// Whether an argument chooses a package: `-p NAME`, `-pNAME`, `--package NAME`, `--package=NAME`.
fn is_package(argument: &OsStr) -> bool {
    let text = argument.to_string_lossy();
    text.starts_with("--package") || (text.starts_with("-p") && !text.starts_with("--"))
}

pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    let begun = Instant::now();
    let progress = Progress::detect();
    let mut interrupt = Interrupt::listen()?;
    let scratch = Scratch::new()?;
    let prepared = tokio::select! {
        prepared = prepare(&scratch, args.extent(), &progress) => prepared?,
        () = interrupt.asked() => return Ok(ExitCode::from(INTERRUPTED)),
    };
    progress.say(&format!("running the tests, {:.1} s after the start", begun.elapsed().as_secs_f32()));
    let (mut tests, output) = prepared.tests(&args.for_cargo())?;
    let status = tokio::select! {
        status = tests.wait() => Some(status?),
        () = interrupt.asked() => end(&mut tests).await,
    };
    let failures = output.ended().await;
    prepared.databases.abandon().await;
    drop(scratch);
    if !failures.is_empty() {
        progress.say(&format!("\n{failures}"));
    }
    progress.say(&format!("{} after {:.0} s", verdict(status), begun.elapsed().as_secs_f32()));
    Ok(status.map_or(ExitCode::from(INTERRUPTED), code))
}

/// What the tests need.
struct Prepared {
    binaries: PathBuf,
    databases: Databases,
    emulator: Option<PathBuf>,
}

async fn prepare(scratch: &Scratch, extent: Extent, progress: &Progress) -> Result<Prepared> {
    let databases = scratch.databases();
    let (binaries, databases, emulator) = tokio::try_join!(
        stack::build(Profile::Dev, extent, progress),
        Databases::start(&databases, Wanted::OneRun, progress),
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
    fn tests(&self, arguments: &[OsString]) -> Result<(Child, Output)> {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(arguments).current_dir(root());
        command.env("TEST_MYSQL_URL", self.databases.mysql_url("")).env("TEST_MONGO_URL", self.databases.mongo_url(""));
        command.env("FUNCTION_BINARIES", &self.binaries);
        if let Some(emulator) = &self.emulator {
            command.env("LAMBDA_RIE", emulator);
        }
        // Its own group, which can be ended as a whole; Ctrl-C reaches only this process.
        command.stdin(Stdio::null()).process_group(0).kill_on_drop(true);
        // One pipe for both, so that cargo's lines stay between those of the tests.
        let (reader, writer) = pipe()?;
        command.stdout(writer.try_clone()?).stderr(writer);
        let tests = command.spawn().context("cannot run cargo")?;
        Ok((tests, Output::pass_on(reader)))
    }
}

/// What the tests print, on its way to the terminal.
struct Output {
    failures: Arc<Mutex<Failures>>,
    ended: oneshot::Receiver<()>,
}

impl Output {
    fn pass_on(mut reader: PipeReader) -> Self {
        let failures = Arc::<Mutex<Failures>>::default();
        let found = Arc::clone(&failures);
        let (end, ended) = oneshot::channel();
        // A thread that nobody waits for: a process that a test left behind may hold the pipe open.
        thread::spawn(move || {
            let (mut chunk, mut line) = ([0; 8192], Vec::new());
            while let Ok(size @ 1..) = reader.read(&mut chunk) {
                // At once, since a test that hangs has begun its line.
                let _ = stdout().write_all(&chunk[..size]).and_then(|()| stdout().flush());
                for byte in &chunk[..size] {
                    if *byte == b'\n' {
                        found.lock().unwrap_or_else(PoisonError::into_inner).read(&String::from_utf8_lossy(&line));
                        line.clear();
                    } else {
                        line.push(*byte);
                    }
                }
            }
            let _ = end.send(());
        });
        Self { failures, ended }
    }

    /// What failed, once everything is printed.
    async fn ended(self) -> Failures {
        let _ = tokio::time::timeout(Duration::from_secs(2), self.ended).await;
        std::mem::take(&mut *self.failures.lock().unwrap_or_else(PoisonError::into_inner))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn for_cargo(fail_fast: bool, arguments: &[&str]) -> String {
        let args = Args { fail_fast, cargo: arguments.iter().map(OsString::from).collect() };
        args.for_cargo().join(OsStr::new(" ")).to_string_lossy().into_owned()
    }

    #[test]
    fn chosen_package_runs_without_the_rest_of_the_workspace() {
        assert_eq!(for_cargo(false, &[]), "test --workspace --no-fail-fast");
        assert_eq!(for_cargo(false, &["-p", "stack"]), "test --no-fail-fast -p stack");
        assert_eq!(for_cargo(false, &["--package=stack", "ports"]), "test --no-fail-fast --package=stack ports");
        assert_eq!(for_cargo(false, &["-pstack"]), "test --no-fail-fast -pstack");
        let journeys = ["--test", "journeys", "--", "-p"];
        assert_eq!(for_cargo(false, &journeys), "test --workspace --no-fail-fast --test journeys -- -p");
    }

    #[test]
    fn option_that_cargo_takes_once_is_passed_once() {
        let excluding = ["--workspace", "--exclude", "e2e", "--no-fail-fast"];
        assert_eq!(for_cargo(false, &excluding), "test --workspace --exclude e2e --no-fail-fast");
        assert_eq!(for_cargo(false, &["--exclude", "e2e"]), "test --workspace --no-fail-fast --exclude e2e");
        assert_eq!(for_cargo(true, &[]), "test --workspace");
    }
}

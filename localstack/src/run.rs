//! `cargo local run`.

use std::{ffi::OsString, net::IpAddr, process::ExitCode, sync::Arc};

use anyhow::{Context, Result};
use stack::{Extent, Options, Profile, Progress, Scratch, Stack};
use tokio::process::{Child, Command};

use crate::{
    interrupt::{INTERRUPTED, Interrupt},
    sam,
    test::{code, end},
};

/// The variable that names the folder of the functions' binaries.
const BINARIES: &str = "FUNCTION_BINARIES";

/// Starts a stack of its own, on free ports and over empty databases, runs a command beside it, and stops with it.
///
/// The functions are built unless `FUNCTION_BINARIES` names the folder of their binaries. The command finds it there, the HTTP API in
/// `API_URL`, the WebSocket API in `WS_URL`, and with `--sam` the file for `sam local --env-vars` in `SAM_ENV`. Nobody is limited.
/// Errors of the functions are shown.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Listen for `sam local` too, at the address where containers reach this machine [default: Docker's bridge]
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, default_missing_value = sam::DOCKER_BRIDGE)]
    sam: Option<IpAddr>,
    /// The command and its arguments
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    let progress = Progress::detect();
    let mut interrupt = Interrupt::listen()?;
    let scratch = Scratch::new()?;
    let stack = tokio::select! {
        started = start(&args, &scratch, &progress) => started?,
        () = interrupt.asked() => return Ok(ExitCode::from(INTERRUPTED)),
    };
    let mut command = command(&args, &stack, &scratch)?;
    let status = tokio::select! {
        status = command.wait() => Some(status?),
        () = interrupt.asked() => end(&mut command).await,
    };
    stack.stop().await;
    Ok(status.map_or(ExitCode::from(INTERRUPTED), code))
}

async fn start(args: &Args, scratch: &Scratch, progress: &Progress) -> Result<Stack> {
    let binaries = match std::env::var_os(BINARIES) {
        Some(given) => given.into(),
        None => stack::build(Profile::Dev, Extent::Binaries, progress).await?,
    };
    let mut options = Options::for_command(scratch, binaries, progress);
    options.containers = args.sam;
    // They are sent, and nobody reads them.
    options.mails = Some(Arc::new(|_| {}));
    let lines = progress.clone();
    options.logs = Arc::new(move |function, line| {
        if line.contains(r#""level":"ERROR""#) {
            lines.say(&format!("{function:>13} | {line}"));
        }
    });
    Stack::start(options).await
}

fn command(args: &Args, stack: &Stack, scratch: &Scratch) -> Result<Child> {
    let (program, arguments) = args.command.split_first().context("there is no command")?;
    let variables = scratch.path().join("sam-env.json");
    sam::announce(stack, &variables)?;
    let mut command = Command::new(program);
    command.args(arguments).env("API_URL", &stack.urls().http).env("WS_URL", &stack.urls().ws);
    command.env(BINARIES, stack.binaries());
    if args.sam.is_some() {
        command.env("SAM_ENV", &variables);
    }
    // Its own group, which can be ended as a whole; Ctrl-C reaches only this process.
    command.process_group(0).kill_on_drop(true);
    command.spawn().with_context(|| format!("cannot run {}", program.display()))
}

//! `cargo local check`.

use std::process::ExitCode;

use anyhow::Result;
use checker::{FaultPlan, Options};
use stack::{Extent, Profile, Progress};

use crate::interrupt::{INTERRUPTED, Interrupt};

/// Starts a stack with databases of its own, lets clients send, edit, delete, read, log out and block each other over both
/// doors while functions and mongod are killed and answers get lost, and checks that everything acknowledged is there once, in
/// one order for everyone, and that what was taken away is away.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Seed of every choice; the same seed makes the same choices
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How long the clients work, in seconds
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Clients, over all rooms
    #[arg(long)]
    clients: Option<usize>,
    /// What is broken meanwhile: `all`, `none`, or names with commas between them
    #[arg(long, default_value = "all")]
    faults: FaultPlan,
}

pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    let progress = Progress::detect();
    let mut interrupt = Interrupt::listen()?;
    stack::sweep(&stack::local())?;
    let check = async {
        let mut options = Options::new(args.seed, args.seconds);
        options.binaries = Some(stack::build(Profile::Dev, Extent::Binaries, &progress).await?);
        options.clients = args.clients.unwrap_or(options.clients);
        options.faults = args.faults;
        options.progress = progress.clone();
        checker::run(options).await
    };
    let report = tokio::select! {
        report = check => report?,
        () = interrupt.asked() => return Ok(ExitCode::from(INTERRUPTED)),
    };
    progress.say(&report.to_string());
    Ok(if report.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

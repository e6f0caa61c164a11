//! `cargo local check`.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use checker::{FaultPlan, Options};
use stack::{Extent, Profile, Progress};

use crate::interrupt::{INTERRUPTED, Interrupt};

/// Starts a stack with its own databases and checks the history of its clients. They send, forward, edit, delete, read, type, ping,
/// upload files, register devices, log out, block each other, leave groups, ban, invite and remove members, pass groups on and open too
/// many connections over HTTP and WebSocket while functions and databases are killed and answers get lost. Everything acknowledged must
/// be there once and in one order for everyone, and revoked rights must stay revoked, on devices too. Every frame must be as documented,
/// and once all connections are over, nothing may be left of them.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Seed of every choice; the same seed makes the same choices
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How long the clients work, in seconds
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Clients in rooms of two, over all rooms
    #[arg(long)]
    clients: Option<usize>,
    /// Clients in groups, over all groups
    #[arg(long)]
    group_clients: Option<usize>,
    /// Groups
    #[arg(long)]
    groups: Option<usize>,
    /// The people of each group
    #[arg(long, value_parser = clap::value_parser!(u8).range(2..=20))]
    people: Option<u8>,
    /// Faults to inject: `all`, `none`, or names separated by commas
    #[arg(long, default_value = "all")]
    faults: FaultPlan,
    /// Checks the function binaries of this folder instead of building them
    #[arg(long, value_name = "FOLDER")]
    binaries: Option<PathBuf>,
    /// Runs the binaries of this folder at the same time, those of the release before: events of each function go to both in turn, as
    /// while a deployment goes on. The new ones migrate the databases
    #[arg(long, value_name = "FOLDER")]
    old_binaries: Option<PathBuf>,
}

pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    let progress = Progress::detect();
    let mut interrupt = Interrupt::listen()?;
    stack::sweep(&stack::local())?;
    let check = async {
        let mut options = Options::new(args.seed, args.seconds);
        options.binaries = match args.binaries {
            Some(binaries) => Some(binaries),
            None => Some(stack::build(Profile::Dev, Extent::Binaries, &progress).await?),
        };
        options.old_binaries = args.old_binaries;
        options.clients = args.clients.unwrap_or(options.clients);
        options.group_clients = args.group_clients.unwrap_or(options.group_clients);
        options.groups = args.groups.unwrap_or(options.groups);
        options.people = args.people.map_or(options.people, usize::from);
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

//! `cargo local clean`.

use std::{
    fs,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use stack::{Lock, all_records, local, stop_leftovers};

use crate::running::claim;

/// Stops processes of earlier runs and removes `.local/` with all data and downloads. Packages from apt stay.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Stop a running `up` first
    #[arg(long)]
    force: bool,
}

pub(crate) async fn run(args: &Args) -> Result<ExitCode> {
    let folder = local();
    if !folder.exists() {
        println!("nothing to clean");
        return Ok(ExitCode::SUCCESS);
    }
    let Some(_claim) = claimed(args.force).await? else {
        return Ok(ExitCode::FAILURE);
    };
    stack::sweep(&folder)?;
    for records in all_records(&folder) {
        let run = records.ancestors().find(|path| path.parent() == Some(&folder)).unwrap_or(&records);
        if run.join("lock").exists() && Lock::take(&run.join("lock"))?.is_err() {
            bail!("{} belongs to a run that has not ended; stop it first", run.display());
        }
        for leftover in stop_leftovers(&records)? {
            println!("stopped {} (process {}) of an earlier run", leftover.name, leftover.pid);
        }
    }
    fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    println!("removed {}", folder.display());
    Ok(ExitCode::SUCCESS)
}

/// The claim that a running `up` holds.
async fn claimed(force: bool) -> Result<Option<Lock>> {
    let deadline = Instant::now() + Duration::from_secs(30);
    let mut asked = false;
    loop {
        let owner = match claim()? {
            Ok(claim) => return Ok(Some(claim)),
            Err(owner) => owner,
        };
        if !force {
            eprintln!("error: `cargo local up` (process {owner}) is running; stop it, or use --force");
            return Ok(None);
        }
        if !asked {
            println!("stopping `cargo local up` (process {owner})");
            kill(Pid::from_raw(i32::try_from(owner)?), Signal::SIGTERM)?;
            asked = true;
        }
        if Instant::now() > deadline {
            bail!("`cargo local up` (process {owner}) does not stop");
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

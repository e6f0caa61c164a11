//! `cargo local clean`.

use std::fs;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use stack::{Lock, all_records, local, stop_leftovers};

use crate::running::claim;

/// Stops what earlier runs left behind and removes `.local/` with all data and downloads. What apt installed stays.
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
            bail!("{} belongs to a run that goes on: end it first", run.display());
        }
        for leftover in stop_leftovers(&records)? {
            println!("stopped {} (process {}), which an earlier run left behind", leftover.name, leftover.pid);
        }
    }
    fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    println!("removed {}", folder.display());
    Ok(ExitCode::SUCCESS)
}

/// The right to clean, which a running `up` holds.
async fn claimed(force: bool) -> Result<Option<Lock>> {
    let deadline = Instant::now() + Duration::from_secs(30);
    let mut asked = false;
    loop {
        let owner = match claim()? {
            Ok(claim) => return Ok(Some(claim)),
            Err(owner) => owner,
        };
        if !force {
            eprintln!("error: `cargo local up` (process {owner}) runs; stop it, or say --force");
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

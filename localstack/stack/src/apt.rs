//! Packages of Debian and Ubuntu.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{
    paths::{Lock, local},
    program::{program, run},
    progress::Progress,
};

/// Whether apt is installed.
pub(crate) fn has_apt() -> bool {
    program("apt-get").is_some()
}

/// Installs packages without the recommended ones, so that no service comes with them.
///
/// Without the permission to do so, the error holds the command to type.
pub(crate) async fn apt(packages: &'static [&'static str], why: &str, progress: &Progress) -> Result<()> {
    let typed = format!("sudo apt-get update && sudo apt-get install --no-install-recommends {}", packages.join(" "));
    if !has_apt() {
        bail!("{why}: install it with your system's package manager");
    }
    let root = nix::unistd::geteuid().is_root();
    if !root && !may_sudo() {
        bail!("{why}: type this, then try again\n    {typed}");
    }
    let step = progress.step(&format!("installing {} with apt", packages.join(", ")));
    // On a thread of its own, because Ctrl-C drops futures and must not interrupt an installation.
    let work = tokio::task::spawn_blocking(move || {
        // apt fails when another one is running.
        let _one_at_a_time = Lock::wait(&local().join("apt.lock"))?;
        apt_get(root, ["update", "--quiet"], &[])
            .and_then(|()| apt_get(root, ["install", "--quiet", "--yes", "--no-install-recommends"], packages))
    });
    work.await?.with_context(|| format!("{why}, and apt could not install it; try by hand\n    {typed}"))?;
    step.done(&format!("installed {}", packages.join(", ")));
    Ok(())
}

fn may_sudo() -> bool {
    program("sudo").is_some_and(|sudo| run(Command::new(sudo).args(["-n", "true"])).is_ok())
}

fn apt_get<const N: usize>(root: bool, verb: [&str; N], packages: &[&str]) -> Result<()> {
    let mut command = if root { Command::new("env") } else { Command::new("sudo") };
    if !root {
        command.args(["-n", "env"]);
    }
    command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "-o", "DPkg::Lock::Timeout=300"]);
    run(command.args(verb).args(packages))
}

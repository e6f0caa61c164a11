//! Programs on the machine, or installed with apt.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::place::{Lock, local};
use crate::progress::{Progress, Step};

/// Where servers live that are not on everybody's `PATH`.
const FOLDERS: [&str; 6] =
    ["/usr/sbin", "/usr/local/sbin", "/usr/local/bin", "/usr/libexec", "/opt/homebrew/bin", "/opt/homebrew/sbin"];

/// The oldest major version of MongoDB whose pipelines and write concerns we rely on.
const OLDEST_MONGOD: u32 = 6;

/// Finds a program.
pub fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(FOLDERS.iter().map(PathBuf::from));
    let is_program =
        |file: &PathBuf| file.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0);
    folders.map(|folder| folder.join(name)).find(is_program)
}

/// A MariaDB or MySQL server on the machine.
pub fn find_mysqld() -> Option<PathBuf> {
    program("mariadbd").or_else(|| program("mysqld"))
}

/// A MongoDB server on the machine that is new enough.
pub fn find_mongod() -> Option<PathBuf> {
    program("mongod").filter(|mongod| version(mongod).is_ok_and(|version| major(&version) >= Some(OLDEST_MONGOD)))
}

/// What `--version` prints.
pub(crate) fn version(program: &Path) -> Result<String> {
    let output = Command::new(program).arg("--version").stdin(Stdio::null()).output()?;
    if !output.status.success() {
        bail!("{} does not run: {}", program.display(), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn major(version: &str) -> Option<u32> {
    let number = version.split_once("db version v")?.1;
    number.split('.').next()?.parse().ok()
}

/// Whether packages come from apt here.
pub(crate) fn has_apt() -> bool {
    program("apt-get").is_some()
}

/// Installs packages, without what they merely recommend: no service comes with them.
///
/// Fails with the command to type where we may not.
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
    // Not in a future that Ctrl-C drops: half an installation is worse than none.
    let work = tokio::task::spawn_blocking(move || {
        // apt fails rather than waits when another one is at work.
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

/// Runs a command to its end in a process group of its own; what it printed becomes the error.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    use std::os::unix::process::CommandExt as _;
    let output = command.stdin(Stdio::null()).process_group(0).output();
    let output = output.with_context(|| format!("cannot run {}", command.get_program().display()))?;
    if !output.status.success() {
        let printed = [output.stdout, output.stderr].concat();
        bail!("{} failed: {}", command_line(command), tail(&String::from_utf8_lossy(&printed)));
    }
    Ok(())
}

fn command_line(command: &Command) -> String {
    let words: Vec<&OsStr> = std::iter::once(command.get_program()).chain(command.get_args()).collect();
    words.join(OsStr::new(" ")).to_string_lossy().into_owned()
}

/// The last lines of a text, which tell why.
pub(crate) fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(12)..].join("\n")
}

/// The last lines of a log file.
pub(crate) fn log_tail(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    format!("the last lines of {}:\n{}", log.display(), tail(&String::from_utf8_lossy(&text)))
}

/// A MySQL server, installed if need be; `None` where only Docker can help.
pub(crate) async fn mysqld(progress: &Progress) -> Result<Option<PathBuf>> {
    if let Some(found) = find_mysqld() {
        return Ok(Some(found));
    }
    if !has_apt() {
        return Ok(None);
    }
    // The package of the bare server: no service, no configuration of its own.
    apt(&["mariadb-server-core"], "there is no MySQL or MariaDB", progress).await?;
    Ok(find_mysqld())
}

/// A MongoDB server, downloaded if need be; `None` where only Docker can help.
pub(crate) async fn mongod(progress: &Progress) -> Result<Option<PathBuf>> {
    if let Some(found) = find_mongod() {
        return Ok(Some(found));
    }
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Ok(None);
    }
    let mongod = crate::download::mongod(progress).await?;
    if version(&mongod).is_err() && has_apt() {
        // It links to libcurl, which brings OpenSSL 3 and all else that it needs.
        apt(&["libcurl4"], "MongoDB needs libcurl", progress).await?;
    }
    version(&mongod).context("the downloaded MongoDB server does not run here")?;
    Ok(Some(mongod))
}

/// Work that blocks, shown as a step.
pub(crate) async fn blocking<T: Send + 'static>(
    step: Step,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<(T, Step)> {
    Ok((tokio::task::spawn_blocking(work).await??, step))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_a_mongod_is_read() {
        assert_eq!(major("db version v6.0.5\nBuild Info: {"), Some(6));
        assert_eq!(major("mysqld  Ver 8.4"), None);
    }

    #[test]
    fn a_failed_command_tells_why() {
        let failed = run(Command::new("ls").arg("/nowhere")).expect_err("there is no such folder");
        assert!(failed.to_string().contains("/nowhere"), "{failed}");
    }
}

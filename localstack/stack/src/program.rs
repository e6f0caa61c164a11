//! Programs of the machine: finding them, and running them to their end.

use std::{
    ffi::OsStr,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

/// Folders of servers that are not on every `PATH`.
const FOLDERS: [&str; 6] =
    ["/usr/sbin", "/usr/local/sbin", "/usr/local/bin", "/usr/libexec", "/opt/homebrew/bin", "/opt/homebrew/sbin"];

/// Finds a program on the `PATH` and in the usual folders.
pub fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(FOLDERS.iter().map(PathBuf::from));
    let is_program =
        |file: &PathBuf| file.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0);
    folders.map(|folder| folder.join(name)).find(is_program)
}

/// What `--version` prints.
pub(crate) fn version(program: &Path) -> Result<String> {
    let output = Command::new(program).arg("--version").stdin(Stdio::null()).output()?;
    if !output.status.success() {
        bail!("{} does not run: {}", program.display(), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a command to its end in its own process group; the error holds what it printed.
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

/// The last lines of a text.
pub(crate) fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(12)..].join("\n")
}

/// The last lines of a log file.
pub(crate) fn log_tail(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    format!("the last lines of {}:\n{}", log.display(), tail(&String::from_utf8_lossy(&text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_of_a_failed_command_holds_its_output() {
        let failed = run(Command::new("ls").arg("/nowhere")).expect_err("there is no such folder");
        assert!(failed.to_string().contains("/nowhere"), "{failed}");
    }
}

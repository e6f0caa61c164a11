//! The functions' binaries, built by cargo.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::Command,
};

use crate::{
    paths::root,
    program::tail,
    progress::{Progress, Step},
};

/// How to build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// As tests use it.
    Dev,
    /// As it is deployed.
    Release,
}

/// How much to build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// The binaries of the functions.
    Binaries,
    /// Every target of every crate: the build that `cargo test --workspace` finds done.
    Everything,
}

/// The functions: the folders in `functions/`.
pub fn functions() -> Result<BTreeSet<String>> {
    let folder = root().join("functions");
    let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let crates = entries.flatten().filter(|entry| entry.path().join("Cargo.toml").exists());
    Ok(crates.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect())
}

/// Builds every function; returns the folder that holds one executable per function.
///
/// The features are always those of the whole workspace, so that no crate is compiled twice with different ones.
/// The error holds what the compiler said.
pub async fn build(profile: Profile, extent: Extent, progress: &Progress) -> Result<PathBuf> {
    let step = progress.step("building the functions");
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["build", "--message-format=json-render-diagnostics"]).current_dir(root());
    match extent {
        // Named without their packages: all of the workspace is selected then, and little of it built.
        Extent::Binaries => command.args(functions()?.iter().flat_map(|name| ["--bin", name])),
        Extent::Everything => command.args(["--workspace", "--all-targets"]),
    };
    if profile == Profile::Release {
        command.arg("--release");
    }
    // `cargo run` sets these for this process; a nested cargo would rebuild crates that read them.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CARGO_PKG_")) {
        command.env_remove(name);
    }
    command.env("CARGO_TERM_COLOR", "never").process_group(0).kill_on_drop(true);
    let mut cargo = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let said = cargo.stderr.take().context("stderr is a pipe")?;
    let messages = cargo.stdout.take().context("stdout is a pipe")?;
    let (said, (built, executables)) = tokio::try_join!(listen(said, &step), collect(messages))?;
    ensure!(cargo.wait().await?.success(), "the build failed:\n{}", tail_of_errors(&said));
    let folder = folder(&executables)?;
    step.done(&if built == 0 { "functions are up to date".to_owned() } else { format!("built {built} targets") });
    Ok(folder)
}

/// Collects what cargo prints for people, and shows its last line.
async fn listen(said: impl tokio::io::AsyncRead + Unpin, step: &Step) -> Result<String> {
    let mut lines = BufReader::new(said).lines();
    let mut all = String::new();
    while let Some(line) = lines.next_line().await? {
        step.at(line.trim());
        all.push_str(&line);
        all.push('\n');
    }
    Ok(all)
}

/// Collects what cargo prints for programs: how many targets it compiled, and where the executables are.
async fn collect(messages: impl tokio::io::AsyncRead + Unpin) -> Result<(usize, BTreeMap<String, PathBuf>)> {
    let mut lines = BufReader::new(messages).lines();
    let (mut built, mut executables) = (0, BTreeMap::new());
    while let Some(line) = lines.next_line().await? {
        let message: Value = serde_json::from_str(&line).unwrap_or_default();
        if message["reason"] != "compiler-artifact" {
            continue;
        }
        built += usize::from(message["fresh"] == false);
        if message["target"]["kind"][0] == "bin"
            && message["profile"]["test"] == false
            && let (Some(name), Some(path)) = (message["target"]["name"].as_str(), message["executable"].as_str())
        {
            executables.insert(name.to_owned(), PathBuf::from(path));
        }
    }
    Ok((built, executables))
}

fn folder(executables: &BTreeMap<String, PathBuf>) -> Result<PathBuf> {
    let mut folder = None;
    for function in functions()? {
        let Some(executable) = executables.get(&function) else {
            bail!("the function `{function}` has no binary of its name");
        };
        folder = executable.parent().map(Path::to_owned);
    }
    folder.context("functions/ is empty")
}

/// The compiler errors, without the warnings and progress before them.
fn tail_of_errors(said: &str) -> String {
    let start = said.find("\nerror").map_or(0, |start| start + 1);
    let errors = &said[start..];
    if start == 0 || errors.len() > 8_000 { tail(errors) } else { errors.trim_end().to_owned() }
}

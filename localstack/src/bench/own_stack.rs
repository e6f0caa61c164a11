//! The stack that is measured, in a process of its own as any other stack, so that its processor time is its own.

use std::{
    env,
    path::{Path, PathBuf},
    process::{ExitCode, Stdio},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use gateway::CpuShares;
use stack::{Options, Scratch, Source, Stack};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader},
    process::{Child, Command},
    time::timeout,
};

use crate::{interrupt::Interrupt, settings};

/// Starts a stack without limits in a folder that goes with it, prints its URL, and stops when its input ends.
#[derive(Debug, clap::Args)]
pub(crate) struct ServeArgs {
    /// The folder of the function binaries
    binaries: PathBuf,
    /// Sets a setting of every function that has it
    #[arg(long, value_name = "NAME=VALUE", value_parser = settings::parse)]
    set: Vec<(String, String)>,
    /// Give each function the processor share of its `MemorySize`
    #[arg(long)]
    lambda_cpu: bool,
}

pub(crate) async fn serve(args: ServeArgs) -> Result<ExitCode> {
    let mut interrupt = Interrupt::listen()?;
    let scratch = Scratch::new()?;
    let mut options = Options::new(Source::Own(scratch.path().join("databases"))).without_limits();
    options.binaries = Some(args.binaries);
    options.environment.extend(args.set);
    options.cpu_shares = args.lambda_cpu.then(CpuShares::probe).transpose()?;
    let stack = Stack::start(options).await?;
    println!("{}", stack.urls().http);
    let (mut input, mut byte) = (tokio::io::stdin(), [0]);
    tokio::select! {
        _ = input.read(&mut byte) => {}
        () = interrupt.asked() => {}
    }
    stack.stop().await;
    drop(scratch);
    // The runtime would wait for the thread that reads the input.
    std::process::exit(0)
}

/// A child process that serves a stack.
pub(crate) struct OwnStack {
    process: Child,
    url: String,
}

impl OwnStack {
    /// Starts one with options of [`ServeArgs`].
    pub(crate) async fn start(binaries: &Path, options: &[String]) -> Result<Self> {
        let mut command = Command::new(env::current_exe()?);
        command.arg("serve").arg(binaries).args(options);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        // A group of its own, so that Ctrl-C reaches us first; it ends as its input does.
        let mut process = command.process_group(0).spawn().context("cannot start a stack")?;
        let mut url = String::new();
        BufReader::new(process.stdout.take().context("stdout is a pipe")?).read_line(&mut url).await?;
        ensure!(!url.is_empty(), "the stack did not start");
        Ok(Self { process, url: url.trim().to_owned() })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) async fn stop(mut self) {
        drop(self.process.stdin.take());
        let _ = timeout(Duration::from_secs(20), self.process.wait()).await;
    }
}

//! `cargo local up`.

use std::collections::BTreeMap;
use std::fs;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use stack::{
    Databases, Extent, Options, Profile, Progress, Source, Stack, local, preferred_port, random_key, write_atomically,
};

use crate::interrupt::{INTERRUPTED, Interrupt};
use crate::running::{Running, claim};
use crate::{demo, welcome};

/// Starts the databases, migrates, builds the functions, and opens a local API Gateway over them.
///
/// The first start installs what is missing and builds everything; later ones take seconds. Data stay in `.local/` until
/// `cargo local clean`. While it runs, `.local/stack.json` says where everything is.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Port of the HTTP API [default: that of the last time, at first 8000 or the next free one]
    #[arg(long)]
    port: Option<u16>,
    /// Port of the WebSocket API [default: as for HTTP, at first 8001]
    #[arg(long)]
    ws_port: Option<u16>,
    /// Make three people who are friends, with a conversation in Korean and English, and print their logins
    #[arg(long)]
    demo: bool,
    /// Build the functions as they are deployed: small and fast, and slow to build
    #[arg(long)]
    release: bool,
}

pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    let begun = Instant::now();
    let _claim = match claim()? {
        Ok(claim) => claim,
        Err(owner) => {
            let place = Running::read()
                .map_or("is on its way".to_owned(), |up| format!("runs: {} and {}", up.http_url, up.ws_url));
            eprintln!("error: `cargo local up` (process {owner}) already {place}");
            return Ok(ExitCode::FAILURE);
        }
    };
    Running::withdraw();
    let progress = Progress::detect();
    let mut interrupt = Interrupt::listen()?;
    let stack = tokio::select! {
        started = start(&args, &progress) => started?,
        () = interrupt.asked() => return Ok(ExitCode::from(INTERRUPTED)),
    };
    let users = tokio::select! {
        users = people(&args, &stack, &progress) => users,
        () = interrupt.asked() => Ok(()),
    };
    if let Err(error) = users {
        progress.say(&format!("! the demo data could not be made: {error:#}"));
    }
    announce(&stack)?;
    progress.say(&welcome::text(stack.urls()));
    if args.demo {
        progress.say(&demo::logins());
    }
    progress.say(&format!("ready after {:.1} s; Ctrl-C stops everything\n", begun.elapsed().as_secs_f32()));
    interrupt.asked().await;
    Running::withdraw();
    let step = progress.step("stopping");
    stack.stop().await;
    step.done("stopped; data stay in .local/");
    Ok(ExitCode::SUCCESS)
}

async fn people(args: &Args, stack: &Stack, progress: &Progress) -> Result<()> {
    let http = &stack.urls().http;
    welcome::demo_users(http).await?;
    if args.demo {
        let step = progress.step("making three friends and their conversation");
        demo::make(http).await?;
        step.done("three friends have talked");
    }
    Ok(())
}

async fn start(args: &Args, progress: &Progress) -> Result<Stack> {
    let profile = if args.release { Profile::Release } else { Profile::Dev };
    let folder = local().join("databases");
    let (binaries, databases) =
        tokio::try_join!(stack::build(profile, Extent::Binaries, progress), Databases::start(&folder, progress))?;
    let ports = Ports::choose(args)?;
    let mut options = Options::new(Source::Own(folder));
    options.binaries = Some(binaries);
    options.secret_key = secret_key()?;
    options.http_port = ports.http;
    options.ws_port = ports.ws;
    let lines = progress.clone();
    options.logs = Arc::new(move |function, line| lines.say(&format!("{function:>13} | {line}")));
    options.progress = progress.clone();
    Stack::start_over(databases, options).await
}

/// The key of the last time, so that tokens outlive a restart.
fn secret_key() -> Result<String> {
    let file = local().join("secret_key");
    if let Ok(key) = fs::read_to_string(&file)
        && key.len() >= 32
    {
        return Ok(key);
    }
    let key = random_key();
    write_atomically(&file, &key)?;
    Ok(key)
}

/// The gateway's ports, `.local/ports.json`.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
struct Ports {
    http: u16,
    ws: u16,
}

impl Ports {
    fn choose(args: &Args) -> Result<Self> {
        let file = local().join("ports.json");
        let text = fs::read_to_string(&file).unwrap_or_default();
        let last: Self = serde_json::from_str(&text).unwrap_or(Self { http: 8000, ws: 8001 });
        let http = choose(args.port, last.http)?;
        let mut ws = choose(args.ws_port, last.ws)?;
        if ws == http {
            ensure!(args.ws_port.is_none(), "both APIs cannot have port {http}");
            ws = preferred_port(http + 1)?;
        }
        let ports = Self { http, ws };
        if ports != last {
            write_atomically(&file, &serde_json::to_string(&ports)?)?;
        }
        Ok(ports)
    }
}

fn choose(given: Option<u16>, last: u16) -> Result<u16> {
    // A given port is taken at its word: the gateway says so if it is in use.
    given.map_or_else(|| preferred_port(last), Ok)
}

/// Tells other programs: `stack.json`, and the functions' variables for `sam local --env-vars`.
fn announce(stack: &Stack) -> Result<()> {
    let variables: BTreeMap<_, _> = [("Parameters", stack.environment())].into();
    write_atomically(&local().join("sam-env.json"), &serde_json::to_string_pretty(&variables)?)?;
    let running = Running {
        http_url: stack.urls().http.clone(),
        ws_url: stack.urls().ws.clone(),
        mysql_url: stack.mysql_url().to_owned(),
        mongo_url: stack.mongo_url().to_owned(),
        pid: std::process::id(),
    };
    running.announce().context("nobody can find us")
}

//! `cargo local up`.

use std::{collections::BTreeMap, fs, net::IpAddr, process::ExitCode, sync::Arc, time::Instant};

use anyhow::{Context, Result, ensure};
use client::Api;
use providers::Keys;
use serde::{Deserialize, Serialize};
use stack::{
    Databases, Extent, Options, Profile, Progress, Source, Stack, Wanted, local, preferred_port, random_key,
    write_atomically,
};

use crate::{
    demo,
    interrupt::{INTERRUPTED, Interrupt},
    log_line::LogStyle,
    mailbox,
    running::{Running, claim},
    sam, settings, welcome,
};

/// Starts the databases, migrates, builds the functions, and opens a local API Gateway over them.
///
/// The first start installs what is missing and builds everything; later ones take seconds. Data stay in `.local/` until
/// `cargo local clean`. While it runs, `.local/stack.json` holds the URLs.
///
/// Settings of the functions are taken from the environment, too: `LIMIT_SENDS=5:60 cargo local up`. Not the URLs and keys that
/// belong to this stack.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(crate) struct Args {
    /// Port of the HTTP API [default: that of the last start, at first 8000 or the next free one]
    #[arg(long)]
    port: Option<u16>,
    /// Port of the WebSocket API [default: as for HTTP, at first 8001]
    #[arg(long)]
    ws_port: Option<u16>,
    /// Create three friends with a conversation in Korean and English, and print their logins
    #[arg(long)]
    demo: bool,
    /// Build the functions as they are deployed: small and fast, and slow to build
    #[arg(long)]
    release: bool,
    /// Set a setting of the functions (they stand in `.env.example`); it wins over a variable of the same name
    #[arg(long, value_name = "NAME=VALUE", value_parser = settings::parse)]
    set: Vec<(String, String)>,
    /// Listen for `sam local` too, at the address where containers reach this machine [default: Docker's bridge], and write the
    /// functions' variables to `.local/sam-env.json`
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, default_missing_value = sam::DOCKER_BRIDGE)]
    sam: Option<IpAddr>,
    /// Use the queues and secrets of a running `LocalStack` instead of the stand-ins, by its URL, such as `http://127.0.0.1:4566`
    #[arg(long, value_name = "URL")]
    localstack: Option<String>,
    /// Serve files over a stand-in of `CloudFront`, as a deployment with `FilesDomain` does, instead of S3
    #[arg(long)]
    files_domain: bool,
    /// Limit nobody, but by limits that are set, so that `cargo local bench --against URL` can measure this stack
    #[arg(long)]
    unlimited: bool,
    /// Project everything in MySQL to MongoDB again, as after a restore of either
    #[arg(long)]
    rebuild: bool,
    /// How to show what functions log
    #[arg(long, value_name = "STYLE", default_value = "text")]
    log: LogStyle,
}

pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    let begun = Instant::now();
    let chosen = settings::chosen(&stack::settings()?, &args.set, |name| std::env::var(name).ok())?;
    let _claim = match claim()? {
        Ok(claim) => claim,
        Err(owner) => {
            let state = Running::read()
                .map_or("is starting".to_owned(), |up| format!("runs: {} and {}", up.http_url, up.ws_url));
            eprintln!("error: `cargo local up` (process {owner}) already {state}");
            return Ok(ExitCode::FAILURE);
        }
    };
    Running::withdraw();
    let progress = Progress::detect();
    let mut interrupt = Interrupt::listen()?;
    let stack = tokio::select! {
        started = start(&args, chosen.clone(), &progress) => started?,
        () = interrupt.asked() => return Ok(ExitCode::from(INTERRUPTED)),
    };
    if args.rebuild {
        let step = progress.step("rebuilding what MongoDB knows");
        let answers = stack.rebuild().await?;
        step.done(&answers.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
    }
    let users = tokio::select! {
        users = people(&args, &stack, &progress) => users,
        () = interrupt.asked() => Ok(()),
    };
    if let Err(error) = users {
        progress.say(&format!("! the demo data could not be created: {error:#}"));
    }
    announce(&stack)?;
    progress.say(&welcome::text(stack.urls(), &chosen));
    if args.sam.is_some() {
        progress.say(sam::EXAMPLE);
    }
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
    let api = Api::new(&stack.urls().http);
    welcome::demo_users(&api).await?;
    if args.demo {
        let step = progress.step("creating three friends and their conversation");
        demo::create(&api).await?;
        step.done("created three friends and their conversation");
    }
    Ok(())
}

async fn start(args: &Args, chosen: BTreeMap<String, String>, progress: &Progress) -> Result<Stack> {
    let profile = if args.release { Profile::Release } else { Profile::Dev };
    let folder = local().join("databases");
    let (binaries, databases) = tokio::try_join!(
        stack::build(profile, Extent::Binaries, progress),
        Databases::start(&folder, Wanted::Always, progress)
    )?;
    let ports = Ports::choose(args)?;
    let mut options = Options::new(Source::Own(folder));
    options.unlimited = args.unlimited;
    options.files_domain = args.files_domain;
    options.environment = chosen;
    options.binaries = Some(binaries);
    options.secret_key = secret_key()?;
    // Those of the last start, so that browsers need not subscribe anew.
    options.push_keys = Some(Keys::load_or_make(&local().join("push-keys.json"))?);
    options.containers = args.sam;
    options.localstack.clone_from(&args.localstack);
    options.http_port = ports.http;
    options.ws_port = ports.ws;
    options.mails = Some(mailbox::into(local().join("mail"), progress.clone()));
    let (lines, style) = (progress.clone(), args.log);
    options.logs = Arc::new(move |function, line| lines.say(&style.show(function, line)));
    options.progress = progress.clone();
    Stack::start_over(databases, options).await
}

/// The key of the last start, so that tokens outlive a restart.
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
    // A given port is used as it is; the gateway reports an error if it is taken.
    given.map_or_else(|| preferred_port(last), Ok)
}

/// Writes the files for other programs: `stack.json`, and the functions' variables for `sam local --env-vars`.
fn announce(stack: &Stack) -> Result<()> {
    sam::announce(stack, &local().join("sam-env.json"))?;
    let running = Running {
        http_url: stack.urls().http.clone(),
        ws_url: stack.urls().ws.clone(),
        mysql_url: stack.mysql_url().to_owned(),
        mongo_url: stack.mongo_url().to_owned(),
        push_services_url: stack.providers().url().to_owned(),
        pid: std::process::id(),
    };
    running.announce().context("cannot write stack.json")
}

//! `cargo local bench`.

mod cost;
mod figures;
mod functions;
mod logins;
mod media;
mod own_stack;
mod processes;
mod realtime;
mod rows;
mod search;
mod signals;
mod storm;
mod target;

use std::{fs, process::ExitCode, time::Duration};

use anyhow::{Result, ensure};
use client::{Method, Person};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use serde_json::json;
use stack::{Extent, Profile, Progress};

pub(crate) use self::own_stack::{ServeArgs, serve};
use self::{
    figures::{Figures, Table},
    own_stack::OwnStack,
    rows::ROWS,
    target::Target,
};
use crate::interrupt::{INTERRUPTED, Interrupt};

/// Messages that follow faster are one notification, by the clock of the functions.
const BURST: Duration = Duration::from_millis(3_200);

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    instead: Option<Instead>,
    #[command(flatten)]
    rows: RowArgs,
}

/// What is measured instead of the rows.
#[derive(Debug, clap::Subcommand)]
enum Instead {
    /// Measures how fast messages reach open WebSockets, from answer to last delivery, and what an idle one costs.
    ///
    /// Rooms of different sizes with everybody online; what one sender gets through; rooms in which pushes by the sender's function
    /// are compared with pushes from the queue; and the memory of connections that do nothing.
    Realtime(realtime::Args),
    /// Drops the connections of many clients at once: how long until all have caught up, and whether anything is lost.
    Storm(storm::Args),
    /// Searches in a room of 200,000 messages and in 200 rooms of a million: how fast, and whether all is found.
    ///
    /// Messages and queries are made up from a seed. Every answer is compared with what reading all messages finds; it fails if one
    /// is wrong. Prints times by kind of query, the size of the index, and what the index of grams costs senders. Filling the database takes some
    /// minutes; `--one-room 20000 --others 100000` shows how times grow with the number of messages.
    Search(search::Args),
    /// Measures greetings, presence, unread totals and notifications with many people.
    ///
    /// How long `hello` takes with rooms and friends, how long it takes to tell friends who came and went, and how long until a message
    /// is at the devices of those who are away.
    Signals(signals::Args),
    /// Measures uploads until they may be attached, messages with files, and links.
    Media(media::Args),
    /// Prints what the real-time part costs a month on AWS, from what is counted at a stack of its own.
    ///
    /// Frames, invocations, their time, requests to queues and store operations of each thing that people do are counted; how often they
    /// do it is assumed, and printed beside it.
    Cost(cost::Args),
}

#[derive(Debug, clap::Args)]
struct RowArgs {
    /// Measure another running stack too, by the URL of its HTTP API, and print both with their ratio
    #[arg(long, value_name = "URL")]
    against: Option<String>,
    /// How often every row is measured
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// How long each row takes in each round, in seconds
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Only the rows whose name contains this text, such as `send` or `sync`
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Unread messages in each room of the busy room list
    #[arg(long, default_value_t = 30)]
    unread: usize,
    /// Compare this many failed logins for each reason: an unknown address, and a wrong password
    #[arg(long, default_value_t = 0)]
    logins: usize,
    /// Instead of the rows: cold and warm times of each function under the processor share of its `MemorySize`
    #[arg(long, conflicts_with_all = ["against", "logins"])]
    lambda_cpu: bool,
    /// Measure the debug build, which tells nothing about a deployment
    #[arg(long)]
    debug: bool,
}

pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    let progress = Progress::detect();
    let mut interrupt = Interrupt::listen()?;
    let measured = async {
        match &args.instead {
            Some(Instead::Realtime(args)) => return realtime::run(args, &progress).await,
            Some(Instead::Storm(args)) => return storm::run(args, &progress).await,
            Some(Instead::Search(args)) => return search::run(args, &progress).await,
            Some(Instead::Signals(args)) => return signals::run(args, &progress).await,
            Some(Instead::Media(args)) => return media::run(args, &progress).await,
            Some(Instead::Cost(args)) => return cost::run(args, &progress).await,
            None => {}
        }
        let args = args.rows;
        let profile = if args.debug { Profile::Dev } else { Profile::Release };
        let binaries = stack::build(profile, Extent::Binaries, &progress).await?;
        if args.lambda_cpu {
            return functions::measure(binaries, args.rounds, &progress).await;
        }
        let step = progress.step("starting a stack of its own");
        let own = OwnStack::start(&binaries, &[]).await?;
        step.done(&format!("a stack of its own at {}", own.url()));
        let result = measure(&args, &own, &progress).await;
        own.stop().await;
        result
    };
    tokio::select! {
        measured = measured => measured.map(|()| ExitCode::SUCCESS),
        () = interrupt.asked() => Ok(ExitCode::from(INTERRUPTED)),
    }
}

async fn measure(args: &RowArgs, own: &OwnStack, progress: &Progress) -> Result<()> {
    let mut targets = Vec::new();
    for url in [Some(own.url()), args.against.as_deref()].into_iter().flatten() {
        targets.push(Target::prepare(url, args.unread, progress).await?);
    }
    let rows: Vec<_> =
        ROWS.iter().filter(|row| args.only.as_ref().is_none_or(|text| row.name.contains(text))).collect();
    let before = load();
    let mut table = Table::default();
    for round in 0..=args.rounds {
        let name = if round == 0 { "warming up".to_owned() } else { format!("round {round} of {}", args.rounds) };
        let step = progress.step(&name);
        // The first to be measured changes from round to round.
        let time = Duration::from_secs(if round == 0 { 1 } else { args.seconds });
        for row in &rows {
            for turn in 0..targets.len() {
                let index = (turn + round as usize) % targets.len();
                let target = &targets[index];
                step.at(&format!("{} at {}", row.name, target.url));
                let figures = Figures::of(row, target, time).await?;
                if round > 0 {
                    table.add(row.name, index, figures);
                }
            }
        }
        step.done(&name);
    }
    let profile = if args.debug { "debug" } else { "release" };
    let cores = std::thread::available_parallelism()?;
    println!("\n{cores} cores, {profile} build; load average {before} at the start, {} at the end", load());
    println!("median of {} rounds of {} s; times in ms\n", args.rounds, args.seconds);
    let urls: Vec<&str> = targets.iter().map(|target| target.url.as_str()).collect();
    println!("{}", table.render(&urls));
    if args.logins > 0 {
        logins::compare(&targets[0], args.logins, progress).await?;
    }
    Ok(())
}

/// The load averages of the last 1, 5 and 15 minutes.
fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let averages: Vec<&str> = text.split_whitespace().take(3).collect();
    if averages.is_empty() { "unknown".to_owned() } else { averages.join(" ") }
}

/// Registers somebody's phone; the token by which the stand-in of its push service knows it.
async fn phone(person: &Person) -> Result<String> {
    let token = format!("phone-{}", person.id);
    let path = format!("/notifications/devices/00000000-0000-4000-8000-{:012x}", person.id);
    let device = json!({ "platform": "fcm", "token": token });
    person.api.call(Method::PUT, &path, Some(&device)).await?.expect(&[200, 201])?;
    Ok(token)
}

/// Lets this process, and those that it starts from now on, open so many files.
fn allow_files(needed: u64) -> Result<()> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    ensure!(hard >= needed, "so many clients need {needed} open files, and this machine allows {hard}");
    setrlimit(Resource::RLIMIT_NOFILE, soft.max(needed), hard)?;
    Ok(())
}

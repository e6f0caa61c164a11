//! `cargo local bench realtime`: how fast messages reach open WebSockets, and what an idle one costs.

mod board;
mod crowd;

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use client::Socket;
use serde_json::json;
use stack::{Extent, Profile, Progress};

use self::{board::Board, crowd::Crowd};
use super::{allow_files, cost, figures::percentiles, load, own_stack::OwnStack, processes::Processes};

/// How long a frame is waited for: a queued one is dropped after 6 s, and then found by `sync`.
const PATIENCE: Duration = Duration::from_secs(20);

/// Files that a client needs: its socket and a request.
const FILES: u64 = 3;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Live members of each room that is measured
    #[arg(long, value_name = "NUMBER", value_delimiter = ',', default_value = "2,25,100,1000")]
    members: Vec<usize>,
    /// Messages in each room, one after the other
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    messages: u32,
    /// Live members of the rooms in which one sender sends as fast as answers come
    #[arg(long, value_name = "NUMBER", value_delimiter = ',', default_value = "100,1000")]
    closed_loop: Vec<usize>,
    /// How long that goes on, in seconds
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Live members of the rooms in which pushes by the sender's function are compared with pushes from the queue
    #[arg(long, value_name = "NUMBER", value_delimiter = ',', default_value = "50,100,200")]
    compare: Vec<usize>,
    /// Idle connections whose memory is measured, at most 19 for each member of the largest room
    #[arg(long, default_value_t = 2000)]
    idle: usize,
    /// Give each function the processor share of its `MemorySize`, as on AWS
    #[arg(long)]
    lambda_cpu: bool,
    /// Measure the debug build, which tells nothing about a deployment
    #[arg(long)]
    debug: bool,
}

pub(super) async fn run(args: &Args, progress: &Progress) -> Result<()> {
    let profile = if args.debug { Profile::Dev } else { Profile::Release };
    let binaries = stack::build(profile, Extent::Binaries, progress).await?;
    let largest = args.members.iter().chain(&args.closed_loop).chain(&args.compare).max().copied().unwrap_or_default();
    allow_files(FILES * u64::try_from(largest + args.idle)?)?;
    let before = load();
    let mut report = Report::default();
    let rooms = Rooms { sizes: &args.members, closed_loop: &args.closed_loop };
    measure(args, &binaries, "as set", &[], rooms, args.idle, &mut report, progress).await?;
    for (name, inline) in [("sender", "10000"), ("queue", "1")] {
        let rooms = Rooms { sizes: &args.compare, closed_loop: &[] };
        let set = [format!("--set=INLINE_CONNECTIONS={inline}")];
        measure(args, &binaries, name, &set, rooms, 0, &mut report, progress).await?;
    }
    let cores = std::thread::available_parallelism()?;
    let profile = if args.debug { "debug" } else { "release" };
    let shares = if args.lambda_cpu { ", each function with the share of its memory" } else { "" };
    println!("\n{cores} cores{shares}, {profile} build; load average {before} at the start, {} at the end", load());
    println!(
        "{} messages a room, of one sender; INLINE_CONNECTIONS as set is {}",
        args.messages,
        inline_connections()?
    );
    report.print();
    println!("\n{}", cost::count(binaries, progress).await?);
    Ok(())
}

/// What is measured at one stack.
#[derive(Clone, Copy)]
struct Rooms<'a> {
    sizes: &'a [usize],
    closed_loop: &'a [usize],
}

/// Everything that was measured.
#[derive(Default)]
struct Report {
    rows: Vec<Row>,
    loops: Vec<ClosedLoop>,
    memory: Vec<String>,
}

/// The times of one room.
struct Row {
    members: usize,
    pushed_by: &'static str,
    acknowledged: [f64; 3],
    delivered: [f64; 3],
    missing: usize,
}

/// What one sender got through who never waited for deliveries.
struct ClosedLoop {
    members: usize,
    sent: usize,
    deliveries: usize,
    expected: usize,
    elapsed: Duration,
}

#[expect(clippy::too_many_arguments, reason = "one call site, and each is another thing")]
async fn measure(
    args: &Args,
    binaries: &Path,
    pushed_by: &'static str,
    set: &[String],
    rooms: Rooms<'_>,
    idle: usize,
    report: &mut Report,
    progress: &Progress,
) -> Result<()> {
    let Some(&most) = rooms.sizes.iter().chain(rooms.closed_loop).max() else { return Ok(()) };
    let step = progress.step("starting a stack of its own");
    let shares = args.lambda_cpu.then(|| "--lambda-cpu".to_owned());
    let options: Vec<_> = set.iter().cloned().chain(shares).collect();
    let own = OwnStack::start(binaries, &options).await?;
    step.done(&format!("a stack of its own at {}", own.url()));
    let measured = async {
        let board = Board::default();
        let crowd =
            Crowd::gather(own.url(), most, rooms.sizes.iter().chain(rooms.closed_loop), &board, progress).await?;
        for &members in rooms.sizes {
            let step = progress.step(&format!("{members} live members, pushed by {pushed_by}"));
            report.rows.push(one_by_one(&crowd, &board, members, args.messages, pushed_by, &step).await?);
            step.done(&format!("{members} live members, pushed by {pushed_by}"));
        }
        for &members in rooms.closed_loop {
            let step = progress.step(&format!("one sender without a pause, {members} live members"));
            report.loops.push(closed_loop(&crowd, &board, members, Duration::from_secs(args.seconds)).await?);
            step.done(&format!("one sender without a pause, {members} live members"));
        }
        if idle > 0 {
            report.memory.push(memory_of_idle(&crowd, own.url(), idle, progress).await?);
        }
        Ok(())
    };
    let measured = measured.await;
    own.stop().await;
    measured
}

/// Sends one message after the other, each when the one before has reached everybody.
async fn one_by_one(
    crowd: &Crowd,
    board: &Board,
    members: usize,
    messages: u32,
    pushed_by: &'static str,
    step: &stack::Step,
) -> Result<Row> {
    let room = crowd.room(members)?;
    let (mut acknowledged, mut delivered, mut missing) = (Vec::new(), Vec::new(), 0);
    // The first one meets functions that have not started.
    for number in 0..=messages {
        step.at(&format!("message {number} of {messages}"));
        let content = format!("{room} {number}");
        let begun = Instant::now();
        send(crowd.sender(), &room, &content).await?;
        let answered = begun.elapsed();
        let arrival = board.arrived(&content, members - 1, PATIENCE).await;
        if number == 0 {
            continue;
        }
        acknowledged.push(answered);
        match arrival {
            Some(last) => delivered.push(last.duration_since(begun)),
            None => missing += 1,
        }
    }
    let (acknowledged, delivered) = (percentiles(&acknowledged)?, percentiles(&delivered)?);
    Ok(Row { members, pushed_by, acknowledged, delivered, missing })
}

/// Sends as fast as answers come, then waits until nothing arrives any more.
async fn closed_loop(crowd: &Crowd, board: &Board, members: usize, time: Duration) -> Result<ClosedLoop> {
    let room = crowd.room(members)?;
    let (begun, before, mut sent) = (Instant::now(), board.total(), 0);
    while begun.elapsed() < time {
        send(crowd.sender(), &room, &format!("{room} loop {sent}")).await?;
        sent += 1;
    }
    let expected = sent * (members - 1);
    let last = board.quiet(before + expected, PATIENCE).await.unwrap_or(begun);
    let deliveries = board.total() - before;
    Ok(ClosedLoop { members, sent, deliveries, expected, elapsed: last.duration_since(begun) })
}

async fn send(sender: &Socket, room: &str, content: &str) -> Result<()> {
    let client_id = content.replace(' ', "-");
    let answer = sender.ask("send", json!({ "room": room, "client_id": client_id, "content": content })).await?;
    anyhow::ensure!(answer["t"] == "ack", "a message was answered {answer}");
    Ok(())
}

/// Opens connections that do nothing, and compares what the gateway's process holds before and after.
async fn memory_of_idle(crowd: &Crowd, url: &str, idle: usize, progress: &Progress) -> Result<String> {
    let processes = Processes::behind(url).context("the stack runs on this machine")?;
    let step = progress.step(&format!("{idle} idle connections"));
    let before = processes.gateway_memory().context("/proc tells the memory of a process")?;
    let sockets = crowd.idle(idle, &step).await?;
    let after = processes.gateway_memory().context("/proc tells the memory of a process")?;
    step.done(&format!("{idle} idle connections"));
    let number = sockets.len().max(1);
    drop(sockets);
    let each = after.saturating_sub(before) / number;
    Ok(format!(
        "{number} idle connections: the gateway's process went from {} MB to {} MB, {each} KB each, {} MB per 10,000",
        before / 1024,
        after / 1024,
        each * 10_000 / 1024
    ))
}

/// The default of the setting.
fn inline_connections() -> Result<usize> {
    let variables = [("CONNECTIONS_URL".to_owned(), "http://127.0.0.1".to_owned())];
    let settings = boot::Settings::without_secrets(variables.into());
    Ok(settings.connections()?.1)
}

impl Report {
    fn print(&self) {
        println!("\ntimes in ms, from the start of `send`\n");
        println!(
            "{:>8} {:<8} {:>8} {:>8} {:>8}   {:>8} {:>8} {:>8} {:>8}",
            "live", "by", "ack p50", "p95", "p99", "last p50", "p95", "p99", "missing"
        );
        for Row { members, pushed_by, acknowledged, delivered, missing } in &self.rows {
            let [ack, delivery] =
                [acknowledged, delivered].map(|times| times.map(|time| format!("{time:>8.1}")).join(" "));
            println!("{members:>8} {pushed_by:<8} {ack}   {delivery} {missing:>8}");
        }
        println!("\none sender, the next message at the answer to the last\n");
        println!(
            "{:>8} {:>8} {:>12} {:>12} {:>8} {:>8}",
            "live", "sent", "sends/s", "deliveries/s", "missing", "seconds"
        );
        for ClosedLoop { members, sent, deliveries, expected, elapsed } in &self.loops {
            let seconds = elapsed.as_secs_f64().max(f64::EPSILON);
            let per_second = |number: usize| super::figures::count(number) / seconds;
            println!(
                "{members:>8} {sent:>8} {:>12.1} {:>12.1} {:>8} {seconds:>8.1}",
                per_second(*sent),
                per_second(*deliveries),
                expected.saturating_sub(*deliveries),
            );
        }
        println!();
        for line in &self.memory {
            println!("{line}");
        }
    }
}

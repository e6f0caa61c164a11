//! `cargo local bench cost`: what a month costs on AWS. How often people do things is assumed; what each of them makes is counted.

mod counted;
mod scene;

use std::{fmt::Write as _, path::PathBuf, time::Duration};

use anyhow::Result;
use gateway::CpuShares;
use stack::{Extent, Options, Profile, Progress, Scratch, Stack};

use self::{
    counted::Counted,
    scene::{Counts, FRIENDS},
};
use crate::prices as price;

const DAYS: f64 = 30.0;
const SECONDS: f64 = 86_400.0;
/// How much faster than the clock queues are while it is counted.
const SPEED: u32 = 30;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Count with the debug build, whose functions take longer
    #[arg(long)]
    debug: bool,
}

/// What people do on a day.
#[derive(Clone, Copy, Debug)]
struct Load {
    people: f64,
    /// How often a person opens the app.
    openings: f64,
    /// For how long, in hours.
    hours: f64,
    /// On how many devices at once.
    devices: f64,
    /// How many messages a person sends.
    sent: f64,
    /// How many connections hear of each message.
    listeners: f64,
}

/// 10,000 people who use the app as people do.
const TYPICAL: Load = Load { people: 10_000.0, openings: 8.0, hours: 4.0, devices: 1.2, sent: 40.0, listeners: 1.2 };

/// How often something happens to a person on a day, and what each time makes.
#[derive(Clone, Copy, Debug, Default)]
struct Row {
    name: &'static str,
    times: f64,
    each: Counted,
    connection_minutes: f64,
    /// Why so often.
    because: &'static str,
}

impl Row {
    /// Dollars a month.
    fn cost(&self, people: f64) -> f64 {
        (self.each.cost() + self.connection_minutes * price::CONNECTION_MINUTE) * self.times * people * DAYS
    }
}

pub(super) async fn run(args: &Args, progress: &Progress) -> Result<()> {
    let profile = if args.debug { Profile::Dev } else { Profile::Release };
    let binaries = stack::build(profile, Extent::Binaries, progress).await?;
    println!("\n{}", count(binaries, progress).await?);
    Ok(())
}

/// Counts at a stack of its own; the table of what the real-time part costs a month.
pub(super) async fn count(binaries: PathBuf, progress: &Progress) -> Result<String> {
    let scratch = Scratch::new()?;
    let mut options = Options::for_command(&scratch, binaries, progress);
    options.limits.queue_speed = SPEED;
    // What the clock does by itself is none of what people do.
    options.limits.schedule = Some(Duration::from_hours(24));
    let shares = CpuShares::probe();
    let processor = if shares.is_ok() { "the processor share of its memory" } else { "a whole core" };
    options.cpu_shares = shares.ok();
    let stack = Stack::start(options).await?;
    let counts = scene::play(&stack, progress).await;
    stack.stop().await;
    let mut table = table(&rows(&TYPICAL, &counts?));
    write(&mut table, format_args!("each invocation under {processor} of this machine, and warm\n"));
    Ok(table)
}

fn rows(load: &Load, counts: &Counts) -> [Row; 11] {
    let Load { openings, hours, devices, sent, listeners, .. } = *load;
    let online = hours * devices;
    let Counts { send, listener, delivered, read, typing, state, ping, opening, presence, notified, looked_at } =
        *counts;
    let row = |name, times, each, because| Row { name, times, each, connection_minutes: 0.0, because };
    let minutes = Row {
        connection_minutes: 60.0,
        ..row("connection hours", online, Counted::default(), "1.2 devices for 4 hours")
    };
    [
        row("messages", sent, send + listener * (listeners - 1.0), "40, each heard by 1.2 connections"),
        minutes,
        row("openings", openings * devices, opening, "8 on 1.2 devices: connect, hello, leave"),
        row("pings", online * 3_600.0 / 540.0, ping, "each 540 s of a connection, with a cursor"),
        row("reads", sent / 5.0, read, "one in five messages; other reads come with an answer"),
        row("delivered", sent / 2.0, delivered, "half of the messages"),
        row("typing", sent / 2.0, typing, "half of the messages take longer than a second"),
        row("state", openings * 7.0, state, "focus, blur, five times 120 s of use"),
        row("presence", openings * 0.75, presence, "three in four openings told to all friends who look"),
        row("notified", sent / 2.0, notified, "half of the messages find nobody"),
        row("looked at", sent / 2.0, looked_at, "the other half is read on the screen"),
    ]
}

fn table(rows: &[Row]) -> String {
    let mut text = format!(
        "{:.0} people a day, {FRIENDS} friends of each look at their screen; what is done once was counted\n\n",
        TYPICAL.people
    );
    write(
        &mut text,
        format_args!(
            "{:<17} {:>6} {:>6} {:>6} {:>8} {:>8} {:>6} {:>6} {:>8}  {}\n",
            "", "a day", "in", "out", "invoked", "GB ms", "queue", "store", "$/month", "assumed"
        ),
    );
    for row in rows {
        let Counted { frames_in, frames_out, invocations, gigabyte_seconds, queue_requests, operations, .. } = row.each;
        write(
            &mut text,
            format_args!(
                "{:<17} {:>6.1} {frames_in:>6.1} {frames_out:>6.1} {invocations:>8.1} {:>8.1} {queue_requests:>6.1} \
                 {operations:>6.1} {:>8.1}  {}\n",
                row.name,
                row.times,
                gigabyte_seconds * 1000.0,
                row.cost(TYPICAL.people),
                row.because
            ),
        );
    }
    let sum: f64 = rows.iter().map(|row| row.cost(TYPICAL.people)).sum();
    write(&mut text, format_args!("{:<17} {:>61.1}\n", "sum", sum));
    let operations: f64 = rows.iter().map(|row| row.each.operations * row.times * TYPICAL.people).sum();
    write(&mut text, format_args!("\n{:.0} store operations a second on average\n", operations / SECONDS));
    text.push_str(
        "list prices of us-east-1; without log lines, polls of empty queues, the HTTP API and the databases\n",
    );
    text
}

/// Writing to a string never fails.
fn write(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    let _ = text.write_fmt(arguments);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame that a function of 256 MB works on for 8 ms.
    const ONE_WAY: Counted = Counted {
        frames_in: 1.0,
        frames_out: 0.0,
        gigabytes: 0.0,
        invocations: 1.0,
        gigabyte_seconds: 0.002,
        queue_requests: 0.0,
        operations: 1.0,
    };

    fn table_rows() -> [Row; 11] {
        let answered = Counted { frames_out: 1.0, gigabytes: 600e-9, ..ONE_WAY };
        rows(&TYPICAL, &Counts { send: answered, state: ONE_WAY, ping: ONE_WAY, ..Counts::default() })
    }

    fn row(name: &str) -> Row {
        table_rows().into_iter().find(|row| row.name == name).expect("a row")
    }

    fn is_about(dollars: f64, expected: f64) -> bool {
        (dollars - expected).abs() < expected * 0.04
    }

    #[test]
    fn always_open_socket_costs_its_pings() {
        let pings = Row { times: SECONDS / 540.0, ..row("pings") };
        assert!(is_about(pings.cost(10_000.0), 59.0), "{}", pings.cost(10_000.0));
        let answered = Row { each: Counted { frames_out: 1.0, ..ONE_WAY }, ..pings };
        assert!(is_about(answered.cost(10_000.0), 107.0), "{}", answered.cost(10_000.0));
    }

    #[test]
    fn connections_cost_their_minutes() {
        assert!(is_about(row("connection hours").cost(10_000.0), 21.6));
    }

    #[test]
    fn the_table_adds_up() {
        let rows = table_rows();
        let sum: f64 = rows.iter().map(|row| row.cost(TYPICAL.people)).sum();
        let table = table(&rows);
        assert!(table.contains(&format!("sum {sum:>75.1}\n")), "{table}");
        assert!(rows.iter().all(|row| table.contains(row.because)), "{table}");
    }

    #[test]
    fn twice_the_people_cost_twice_as_much() {
        for row in table_rows() {
            assert!((row.cost(20_000.0) - 2.0 * row.cost(10_000.0)).abs() < 1e-6, "{}", row.name);
        }
    }

    #[test]
    fn what_is_counted_adds_up() {
        let whole = ONE_WAY * 3.0 - ONE_WAY + ONE_WAY;
        assert!((whole.cost() - 3.0 * ONE_WAY.cost()).abs() < f64::EPSILON);
    }
}

//! `cargo local cost`.

use std::{fmt::Write as _, process::ExitCode};

use crate::prices as price;

/// Prints what a month on AWS costs: messages, then what they bring along, then what stands there whether anybody talks or not.
///
/// The parts of a bill are what a message does: a frame in and its answer, a frame to each connection, one invocation. A test
/// counts them at a running stack. Goals stand beside them. `cargo local bench cost` counts what signals cost.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// People who use it on a day
    #[arg(long, default_value_t = 10_000)]
    people: u32,
    /// Messages that one of them sends on a day
    #[arg(long, default_value_t = 40)]
    messages: u32,
    /// Connections that a message reaches
    #[arg(long, default_value_t = 1.2, value_parser = fanout)]
    fanout: f64,
    /// Hours for which a person is connected on a day
    #[arg(long, default_value_t = 4.0, value_parser = hours)]
    hours: f64,
    /// How large the databases are
    #[arg(long, value_enum, default_value_t = Size::M)]
    size: Size,
}

/// How large what stands there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Size {
    /// A pilot in one zone.
    #[value(name = "S", alias = "s")]
    S,
    /// Two zones.
    #[value(name = "M", alias = "m")]
    M,
    /// Two zones, and more processor time.
    #[value(name = "L", alias = "l")]
    L,
}

pub(crate) fn run(args: &Args) -> ExitCode {
    print!("{}", bill(args));
    ExitCode::SUCCESS
}

const DAYS: f64 = 30.0;

/// The memory of the functions behind the socket, in gigabytes.
const MEMORY: f64 = 0.25;

/// What frames weigh, in gigabytes: a pushed message, the answer to a send, a receipt.
const MESSAGE: f64 = 598e-9;
const ANSWER: f64 = 640e-9;
const RECEIPT: f64 = 80e-9;

/// How long a function works for a send, and for each connection that it pushes to, in milliseconds at 256 MB.
const SEND_TIME: f64 = 33.0;
const PUSH_TIME: f64 = 1.9;

/// How long it works for a frame without an answer.
const ONE_WAY_TIME: f64 = 8.0;

/// One send of so many is logged.
const LOGGED_SENDS: f64 = 1.0 / 1_024.0;

/// What a line in the log weighs, in gigabytes.
const LINE: f64 = 700e-9;

/// How many messages are read by a frame: who answers within two seconds reads by the answer.
const READ_FRAMES: f64 = 0.2;

/// How many messages are said to be delivered by a frame of their own.
const DELIVERED_FRAMES: f64 = 0.5;

/// Seconds between two pings of a connection.
const PING_INTERVAL: f64 = 540.0;

/// Goals in dollars for a million delivered messages, by how many connections each message reaches.
const GOALS: [(f64, f64); 3] = [(1.0, 3.4), (10.0, 1.5), (100.0, 1.1)];

/// What something takes once.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Parts {
    requests: f64,
    /// In and out.
    pub(crate) frames: f64,
    pub(crate) invocations: f64,
    /// Of all invocations together.
    milliseconds: f64,
    pub(crate) gigabytes_out: f64,
    gigabytes_logged: f64,
}

impl Parts {
    fn dollars(&self) -> f64 {
        self.requests * price::HTTP_REQUEST
            + self.frames * price::FRAME
            + self.invocations * price::INVOCATION
            + self.milliseconds / 1_000.0 * MEMORY * price::GIGABYTE_SECOND
            + self.gigabytes_out * price::GIGABYTE_OUT
            + self.gigabytes_logged * price::GIGABYTE_LOGGED
    }

    fn times(&self, times: f64) -> Self {
        Self {
            requests: self.requests * times,
            frames: self.frames * times,
            invocations: self.invocations * times,
            milliseconds: self.milliseconds * times,
            gigabytes_out: self.gigabytes_out * times,
            gigabytes_logged: self.gigabytes_logged * times,
        }
    }
}

/// A message that is sent over WebSocket: in, answer, and a push to each connection.
pub(crate) fn sent(fanout: f64) -> Parts {
    Parts {
        requests: 0.0,
        frames: 2.0 + fanout,
        invocations: 1.0,
        milliseconds: SEND_TIME + PUSH_TIME * fanout,
        gigabytes_out: ANSWER + MESSAGE * fanout,
        gigabytes_logged: LINE * LOGGED_SENDS,
    }
}

/// The same over HTTP, whose answer costs nothing more than the request.
fn sent_over_http(fanout: f64) -> Parts {
    Parts { requests: 1.0, frames: fanout, ..sent(fanout) }
}

/// A frame without an answer that is told to so many connections.
pub(crate) fn one_way(told: f64) -> Parts {
    Parts {
        frames: 1.0 + told,
        invocations: 1.0,
        milliseconds: ONE_WAY_TIME + PUSH_TIME * told,
        gigabytes_out: RECEIPT * told,
        ..Parts::default()
    }
}

/// What a message brings along at each connection that it reaches: that it arrived and was read, each told to its author.
fn receipts() -> [Parts; 2] {
    [one_way(1.0).times(READ_FRAMES), one_way(1.0).times(DELIVERED_FRAMES)]
}

fn receipts_dollars() -> f64 {
    receipts().iter().map(Parts::dollars).sum()
}

fn bill(args: &Args) -> String {
    let Args { people, messages, fanout, hours, size } = *args;
    let (people, sends) = (f64::from(people), f64::from(people) * f64::from(messages) * DAYS);
    let connected = people * hours * DAYS;
    let mut text = format!(
        "{people} people a day, {messages} messages each to {fanout} connections, connected for {hours} h; list prices of us-east-1\n\n"
    );
    let mut line = |name: &str, dollars: f64, note: &str| {
        // Writing to a string never fails.
        let _ = writeln!(text, "{}", format!("{name:<38} {dollars:>10.2}  {note}").trim_end());
    };
    let messages = sent(fanout).dollars() * sends;
    let pings = one_way(0.0).dollars() * connected * 3_600.0 / PING_INTERVAL;
    let receipts = receipts_dollars() * sends * fanout;
    let minutes = connected * 60.0 * price::CONNECTION_MINUTE;
    line("messages", messages, &format!("{:.1} M sent, {:.1} M delivered", sends / 1e6, sends * fanout / 1e6));
    line("receipts and pings", receipts + pings, &format!("{receipts:.2} and {pings:.2}"));
    line("connection minutes", minutes, "");
    let mut idle = 0.0;
    for part in price::IDLE {
        let dollars = part.dollars[size as usize];
        idle += dollars;
        line(part.name, dollars, "");
    }
    line("$ a month", messages + receipts + pings + minutes + idle, &format!("{idle:.2} of it with nobody there"));
    text.push_str("\n$ for a million delivered, by connections reached      1      10     100\n");
    let mut row = |name: &str, [one, ten, hundred]: [f64; 3]| {
        let _ = writeln!(text, "{name:<48} {one:>7.2} {ten:>7.2} {hundred:>7.2}");
    };
    row("sent over WebSocket", GOALS.map(|(fanout, _)| sent(fanout).dollars() / fanout * 1e6));
    row("sent over HTTP", GOALS.map(|(fanout, _)| sent_over_http(fanout).dollars() / fanout * 1e6));
    row("goal", GOALS.map(|(_, goal)| goal));
    row("and receipts", [receipts_dollars() * 1e6; 3]);
    text.push_str("\nwithout signals (typing, presence), notifications, mails, data between zones, and taxes\n");
    text
}

fn fanout(text: &str) -> Result<f64, String> {
    positive(text, 100_000.0)
}

fn hours(text: &str) -> Result<f64, String> {
    positive(text, 24.0)
}

fn positive(text: &str, most: f64) -> Result<f64, String> {
    match text.parse() {
        Ok(number) if number > 0.0 && number <= most => Ok(number),
        _ => Err(format!("must be above 0 and at most {most}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args() -> Args {
        Args { people: 10_000, messages: 40, fanout: 1.2, hours: 4.0, size: Size::M }
    }

    #[test]
    fn messages_cost_no_more_than_their_goals_or_a_hundredth_above() {
        for (fanout, goal) in GOALS {
            let dollars = sent(fanout).dollars() / fanout * 1e6;
            assert!(dollars <= goal * 1.01 && dollars > goal * 0.8, "{dollars} at {fanout}");
            assert!(sent_over_http(fanout).dollars() < sent(fanout).dollars());
        }
    }

    #[test]
    fn bill_adds_up() {
        let text = bill(&args());
        let amounts: Vec<f64> = text.lines().skip(2).map_while(|line| line.get(38..49)?.trim().parse().ok()).collect();
        let (total, parts) = amounts.split_last().unwrap();
        let sum: f64 = parts.iter().sum();
        assert_eq!(parts.len(), 3 + price::IDLE.len(), "{text}");
        assert!((total - sum).abs() < 0.05, "{text}");
    }

    #[test]
    fn twice_the_people_pay_twice_but_for_what_stands_there() {
        let dollars = |people| {
            let text = bill(&Args { people, ..args() });
            let line = text.lines().find(|line| line.starts_with("messages")).unwrap().to_owned();
            line[38..49].trim().parse::<f64>().unwrap()
        };
        assert!((dollars(20_000) - 2.0 * dollars(10_000)).abs() < 0.02);
    }

    #[test]
    fn larger_installations_cost_more() {
        let idle = |size: Size| price::IDLE.iter().map(|part| part.dollars[size as usize]).sum::<f64>();
        assert!(idle(Size::S) < idle(Size::M) && idle(Size::M) < idle(Size::L));
        assert!((60.0..80.0).contains(&idle(Size::S)), "{}", idle(Size::S));
    }

    #[test]
    fn numbers_that_make_no_sense_are_refused() {
        assert!(fanout("0").is_err() && fanout("many").is_err() && hours("25").is_err());
    }
}

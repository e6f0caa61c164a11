//! What a month costs on AWS, from the frames, invocations and queue requests that each thing people do makes.

use std::fmt::Write as _;

use crate::prices as price;

const DAYS: f64 = 30.0;
/// The memory of the functions behind the socket, in gigabytes.
const MEMORY: f64 = 0.25;
/// What a pushed frame weighs, in gigabytes: a message with its envelope.
const FRAME_OUT: f64 = 600e-9;

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
    /// How many of a person's friends look at their screen.
    active_friends: f64,
}

/// 10,000 people who use the app as people do.
const TYPICAL: Load =
    Load { people: 10_000.0, openings: 8.0, hours: 4.0, devices: 1.2, sent: 40.0, listeners: 1.2, active_friends: 8.0 };

/// How often something happens to a person on a day, and what each time takes.
#[derive(Clone, Copy, Debug, Default)]
struct Row {
    name: &'static str,
    times: f64,
    frames_in: f64,
    /// Answers and pushes.
    frames_out: f64,
    invocations: f64,
    /// How long one of them takes.
    milliseconds: f64,
    queue_requests: f64,
    connection_minutes: f64,
}

impl Row {
    /// Dollars a month.
    fn cost(&self, people: f64) -> f64 {
        let compute = price::INVOCATION + self.milliseconds / 1_000.0 * MEMORY * price::GIGABYTE_SECOND;
        let once = (self.frames_in + self.frames_out) * price::FRAME
            + self.invocations * compute
            + self.queue_requests * price::QUEUE_REQUEST
            + self.connection_minutes * price::CONNECTION_MINUTE
            + self.frames_out * FRAME_OUT * price::GIGABYTE_OUT;
        once * self.times * people * DAYS
    }
}

/// What each signal takes, as the server does it: counted from one frame to the last of its pushes.
fn rows(load: &Load) -> [Row; 10] {
    let Load { openings, hours, devices, sent, listeners, active_friends, .. } = *load;
    let online = hours * devices;
    // A one-way frame: one in, one invocation, no answer.
    let one_way = Row { frames_in: 1.0, invocations: 1.0, milliseconds: 8.0, ..Row::default() };
    let minutes = Row { times: 1.0, connection_minutes: online * 60.0, ..Row::default() };
    [
        Row { name: "sends: in, ack, pushes", times: sent, frames_out: 1.0 + listeners, milliseconds: 35.0, ..one_way },
        Row { name: "connection minutes", ..minutes },
        // Connect, hello with its answer, disconnect.
        Row {
            name: "openings: connect, hello",
            times: openings * devices,
            frames_out: 1.0,
            invocations: 3.0,
            milliseconds: 15.0,
            ..one_way
        },
        Row { name: "pings, one way, 540 s", times: online * 3_600.0 / 540.0, ..one_way },
        // Who answers within 2 s reads by the answer: one read in five is a frame, told to one device.
        Row { name: "reads", times: sent / 5.0, frames_out: 1.0, ..one_way },
        Row { name: "delivered", times: sent / 2.0, ..one_way },
        // Half of the messages are typed for longer than a second.
        Row { name: "typing", times: sent / 2.0, frames_out: 1.0, ..one_way },
        // Focus, blur, and five times 120 s of use without another frame.
        Row { name: "state", times: openings * 7.0, ..one_way },
        // Half of the openings follow the last one too soon to be told.
        Row {
            name: "presence: posts and jobs",
            times: openings * 1.5,
            frames_out: active_friends,
            invocations: 0.2,
            milliseconds: 60.0,
            queue_requests: 2.0,
            ..Row::default()
        },
        Row {
            name: "push: jobs, functions",
            times: sent,
            invocations: 0.5,
            milliseconds: 200.0,
            queue_requests: 1.6,
            ..Row::default()
        },
    ]
}

/// The table of what the real-time part costs a month.
pub(crate) fn cost_table() -> String {
    let rows = rows(&TYPICAL);
    let mut text = format!(
        "{:.0} people a day, list prices of us-east-1, $ a month\n\n{:<28} {:>14} {:>14} {:>14} {:>8}\n",
        TYPICAL.people, "", "frames, M", "invoked, M", "queue, M", "$"
    );
    let millions = |row: &Row, once: f64| once * row.times * TYPICAL.people * DAYS / 1e6;
    for row in &rows {
        write(
            &mut text,
            format_args!(
                "{:<28} {:>14.1} {:>14.1} {:>14.1} {:>8.0}\n",
                row.name,
                millions(row, row.frames_in + row.frames_out),
                millions(row, row.invocations),
                millions(row, row.queue_requests),
                row.cost(TYPICAL.people)
            ),
        );
    }
    let sum: f64 = rows.iter().map(|row| row.cost(TYPICAL.people)).sum();
    write(&mut text, format_args!("{:<28} {:>53.0}\n", "sum", sum));
    text.push_str("\nwithout log lines, polls of empty queues, and the databases\n");
    text
}

/// Writing to a string never fails.
fn write(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    let _ = text.write_fmt(arguments);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str) -> Row {
        rows(&TYPICAL).into_iter().find(|row| row.name.starts_with(name)).expect("a row")
    }

    fn is_about(dollars: f64, expected: f64) -> bool {
        (dollars - expected).abs() < expected * 0.04
    }

    #[test]
    fn an_always_open_socket_costs_its_pings() {
        let one_way = Row { times: 86_400.0 / 540.0, ..row("pings") };
        assert!(is_about(one_way.cost(10_000.0), 59.0), "{}", one_way.cost(10_000.0));
        let answered = Row { frames_out: 1.0, ..one_way };
        assert!(is_about(answered.cost(10_000.0), 109.0), "{}", answered.cost(10_000.0));
    }

    #[test]
    fn connections_cost_their_minutes() {
        assert!(is_about(row("connection").cost(10_000.0), 21.6));
    }

    #[test]
    fn an_answer_costs_as_much_as_the_frame() {
        let state = row("state");
        let answered = Row { frames_out: 1.0, ..state };
        assert!(answered.cost(1.0) / state.cost(1.0) > 1.8);
    }

    #[test]
    fn the_table_adds_up() {
        let sum: f64 = rows(&TYPICAL).iter().map(|row| row.cost(TYPICAL.people)).sum();
        let table = cost_table();
        assert!(table.contains(&format!("{sum:>53.0}")), "{table}");
        assert!((120.0..220.0).contains(&sum), "{table}");
    }

    #[test]
    fn twice_the_people_cost_twice_as_much() {
        for row in rows(&TYPICAL) {
            assert!((row.cost(20_000.0) - 2.0 * row.cost(10_000.0)).abs() < 1e-6, "{}", row.name);
        }
    }
}

//! AWS's and Atlas's list prices in us-east-1, in dollars, as of 2026-11-26. Every cost that is printed comes from here.

/// A frame of up to 32 KB, in or out.
pub(crate) const FRAME: f64 = 1.00e-6;
/// A request to the HTTP API.
pub(crate) const HTTP_REQUEST: f64 = 1.00e-6;
/// A minute of an open connection.
pub(crate) const CONNECTION_MINUTE: f64 = 0.25e-6;
/// An invocation of a function.
pub(crate) const INVOCATION: f64 = 0.20e-6;
/// A function's memory for a second, on arm64.
pub(crate) const GIGABYTE_SECOND: f64 = 0.000_013_333_4;
/// A request to a queue: sending, receiving or deleting up to ten messages.
pub(crate) const QUEUE_REQUEST: f64 = 0.40e-6;
/// A gigabyte that leaves AWS.
pub(crate) const GIGABYTE_OUT: f64 = 0.09;
/// A gigabyte of log lines.
pub(crate) const GIGABYTE_LOGGED: f64 = 0.50;

/// What stands there whether anybody talks or not, in dollars a month of 730 hours.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Idle {
    /// What it is.
    pub(crate) name: &'static str,
    /// In a small, a middle and a large installation.
    pub(crate) dollars: [f64; 3],
}

/// A small installation serves a pilot, with one of everything. A middle one has two zones, and a large one more processor time.
pub(crate) const IDLE: [Idle; 7] = [
    // 0.045 an hour each, and 0.005 for its public address: one, two, two.
    Idle { name: "NAT gateways", dollars: [36.50, 73.00, 73.00] },
    // db.t4g.micro in one zone 0.016; db.t4g.medium in two 0.130; db.m7g.large in two 0.336.
    Idle { name: "RDS for MySQL", dollars: [11.68, 94.90, 245.28] },
    // gp3 0.115 a gigabyte and zone: 20, 100 and 400.
    Idle { name: "its disk", dollars: [2.30, 23.00, 92.00] },
    // Flex; M10 0.08 an hour; M30 0.54 an hour.
    Idle { name: "MongoDB Atlas", dollars: [8.00, 58.40, 394.20] },
    // 0.40 each: three users of MySQL, MongoDB, the key, and push services but in the small one.
    Idle { name: "secrets", dollars: [2.00, 2.40, 2.40] },
    // 0.10 an alarm, 0.30 a metric of our own, 3.00 a dashboard beyond three.
    Idle { name: "alarms and metrics", dollars: [7.00, 9.00, 9.00] },
    // 43,800 runs a month each of `relay`, `send-mail` and `sweep-files` at 256 MB and `inspect` at 1,769 MB, 0.3 s each: 0.47.
    // Lambda polls an empty queue with five requests in 20 s: 0.26 for each of two queues, and of a third for push services.
    Idle { name: "runs every minute and polls", dollars: [1.00, 1.26, 1.26] },
];

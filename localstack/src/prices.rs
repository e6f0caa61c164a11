//! AWS's list prices in us-east-1, in dollars, as of 2026-11-26. Every cost that is printed comes from here.

/// A frame of up to 32 KB, in or out.
pub(crate) const FRAME: f64 = 1.00e-6;
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

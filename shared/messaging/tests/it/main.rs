//! The message path on a real MongoDB.
#![expect(clippy::unwrap_used, clippy::panic, reason = "what fails in a test's house ends the test")]

mod blocking;
mod deleting;
mod house;
mod limits;
mod order;
mod quoting;
mod reading;
mod rights;
mod sending;
mod sweeping;
mod syncing;

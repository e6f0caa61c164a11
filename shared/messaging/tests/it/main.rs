//! The message path on a real MongoDB.
#![expect(clippy::unwrap_used, clippy::panic, reason = "what fails in a test's house ends the test")]

mod house;
mod order;
mod rights;
mod sending;
mod syncing;

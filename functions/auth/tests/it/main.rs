//! Accounts and their tokens, over real stores.
#![expect(clippy::unwrap_used, reason = "a test ends where its stage does not stand")]

mod house;
mod logging_in;
mod logging_out;
mod passwords;
mod refreshing;
mod registering;
mod sessions;
mod throttling;
mod tickets;

//! Accounts and their tokens, over databases of its own.
#![expect(clippy::unwrap_used, reason = "a test ends where its set-up fails")]

mod logging_in;
mod logging_out;
mod logins;
mod passwords;
mod refreshing;
mod registering;
mod sessions;
mod throttling;
mod tickets;

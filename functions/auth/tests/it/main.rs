//! Accounts and their tokens, over databases of its own.
#![expect(clippy::unwrap_used, reason = "a test ends where its set-up fails")]

mod asking;
mod hijacking;
mod logging_in;
mod logging_out;
mod logins;
mod mailed;
mod passwords;
mod refreshing;
mod registering;
mod resetting;
mod sessions;
mod throttling;
mod tickets;
mod verifying;

//! Every route, over databases of its own.
#![expect(clippy::unwrap_used, reason = "a test ends where its set-up fails")]

mod blocking;
mod lists;
mod races;
mod unblocking;

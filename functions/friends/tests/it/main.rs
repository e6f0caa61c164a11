//! Every route, over databases of its own.
#![expect(clippy::unwrap_used, reason = "a test ends where its set-up fails")]

mod answers;
mod lists;
mod notifying;
mod races;
mod requests;

//! Every frame, over a database of its own.
#![expect(clippy::unwrap_used, reason = "a test ends where its set-up fails")]

mod greeting;
mod messages;
mod pings;
mod refusals;
mod scene;
mod signals;

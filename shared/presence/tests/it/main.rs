//! Who is told what of whom, over a database of its own.
#![expect(clippy::unwrap_used, reason = "a test ends where its set-up fails")]

mod costs;
mod jobs;
mod scene;
mod sweeping;
mod telling;

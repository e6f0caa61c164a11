//! Runs, over a database of their own and an S3.
#![expect(clippy::unwrap_used, reason = "a test ends where its set-up fails")]

mod audit;
mod ending;
mod pictures;
mod walks;
mod yard;

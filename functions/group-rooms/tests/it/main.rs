//! Every route, over databases of its own.
#![expect(clippy::unwrap_used, reason = "a test ends where its set-up fails")]

mod bans;
mod counts;
mod creating;
mod editing;
mod groups;
mod hidden;
mod invites;
mod joining;
mod lists;
mod lost;
mod members;
mod notices;
mod pictures;
mod races;

//! The routes, on real databases.
#![expect(clippy::unwrap_used, reason = "a test ends where its stage does not stand")]

mod answers;
mod house;
mod lists;
mod races;
mod requests;

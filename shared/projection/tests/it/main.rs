//! A change in both stores, on real databases.
#![expect(clippy::unwrap_used, reason = "a test ends where its stage does not stand")]

mod blocks;
mod people;
mod relay;
mod rooms;
mod sessions;
mod stores;

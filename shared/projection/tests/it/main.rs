//! A change in both stores, on real databases.
#![expect(clippy::unwrap_used, reason = "a failed arrangement ends the test")]

mod blocks;
mod events;
mod groups;
mod people;
mod rebuild;
mod relay;
mod restored;
mod rooms;
mod sessions;
mod stores;

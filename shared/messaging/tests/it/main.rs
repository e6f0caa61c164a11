//! The message path on a real MongoDB.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed arrangement ends the test")]

mod attaching;
mod blocking;
mod commands;
mod deleting;
mod editing;
mod events;
mod forwarding;
mod hiding;
mod interrupted;
mod large;
mod limits;
mod linking;
mod mentioning;
mod moderating;
mod notifying;
mod order;
mod pinning;
mod quoting;
mod reacting;
mod reading;
mod rights;
mod scene;
mod search_corpus;
mod search_costs;
mod search_pages;
mod search_rights;
mod search_time;
mod searching;
mod sending;
mod sessions;
mod sweeping;
mod syncing;
mod threads;

//! The record in MySQL, on a real database.
#![expect(clippy::unwrap_used, reason = "a test ends where its stage does not stand")]

mod accounts;
mod blocks;
mod deletions;
mod erd;
mod friendships;
mod groups;
mod invites;
mod mails;
mod members;
mod moments;
mod outbox;
mod pages;
mod people;
mod plans;
mod pool;
mod private_rooms;
mod refused_login;
mod relations;
mod schema;
mod search;
mod search_pages;
mod sessions;
mod settings;
mod snapshots;
mod transaction;

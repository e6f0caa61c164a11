//! The record in MySQL, on a real database.
#![expect(clippy::unwrap_used, reason = "a test ends where its stage does not stand")]

mod erd;
mod outbox;
mod people;
mod private_rooms;
mod schema;
mod sessions;
mod transaction;

//! The record in MySQL, on a real database.

mod erd;
mod outbox;
mod people;
mod private_rooms;
mod schema;
mod sessions;
mod transaction;

//! The message path on a real MongoDB.

mod house;
mod order;
mod rights;
mod sending;
mod syncing;

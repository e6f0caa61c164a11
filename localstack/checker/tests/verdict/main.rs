//! The verdict over histories made by hand.

mod blocks;
mod messages;
mod reads;
mod sessions;
mod story;
mod tombstones;

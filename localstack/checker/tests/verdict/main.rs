//! The verdict over hand-written histories.

mod blocks;
mod members;
mod messages;
mod reactions;
mod reads;
mod sessions;
mod story;
mod system;
mod tombstones;

//! The verdict over hand-written histories.

mod blocks;
mod members;
mod messages;
mod pins;
mod reactions;
mod reads;
mod roles;
mod sessions;
mod story;
mod system;
mod tombstones;

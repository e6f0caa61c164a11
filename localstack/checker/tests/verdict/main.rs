//! The verdict over hand-written histories.

mod bans;
mod blocks;
mod files;
mod forwards;
mod invites;
mod members;
mod messages;
mod pins;
mod pushes;
mod reactions;
mod reads;
mod roles;
mod searches;
mod sessions;
mod signals;
mod story;
mod system;
mod tombstones;

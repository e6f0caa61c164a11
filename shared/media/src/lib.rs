#![doc = include_str!("../README.md")]

mod bytes;
mod check;
mod child;
mod ebml;
mod isobmff;
mod look;
mod loudness;
mod picture;
mod sniff;
mod sound;
mod video;

pub use child::{Inspector, answer_as_child, run_as_child};
pub use look::{Found, Job, Limits, look};

#![doc = include_str!("../README.md")]

mod client;
pub mod client_rule;
pub mod doors;
pub mod drive;
pub mod history;
pub mod options;
pub mod verify;

pub use options::{Fault, FaultPlan, Options, Usage};

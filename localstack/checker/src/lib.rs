#![doc = include_str!("../README.md")]

mod client;
pub mod client_rule;
pub mod doors;
pub mod drive;
mod faults;
pub mod history;
mod lines;
pub mod options;
pub mod report;
mod run;
mod stack_doors;
pub mod verify;
mod wire;

pub use options::{Fault, FaultPlan, Options, Usage};
pub use report::Report;
pub use run::{play, run, start};

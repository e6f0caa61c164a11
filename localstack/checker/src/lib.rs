#![doc = include_str!("../README.md")]

mod client;
pub mod client_rule;
mod door_http;
mod door_ws;
pub mod doors;
pub mod drive;
mod faults;
pub mod history;
mod lines;
pub mod options;
pub mod report;
mod run;
pub mod verify;
mod wire;

pub use options::{Fault, FaultPlan, Options, Usage};
pub use report::Report;
pub use run::{play, run, start};

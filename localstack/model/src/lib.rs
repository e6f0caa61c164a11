#![doc = include_str!("../README.md")]

mod check;
mod creation;
mod deliveries;
mod events;
mod gate;
mod messages;
mod promise;
mod recipients;
mod rule;
mod runs;

use check::Search;
pub use check::{Counterexample, Outcome, Progress};
pub use promise::{Promise, Violation};
pub use rule::Rule;
use rule::Rules;
use runs::Scenario;
pub use runs::{Expected, Run, Size, runs};

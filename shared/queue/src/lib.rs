#![doc = include_str!("../README.md")]

mod bodies;
mod job;
mod sqs;

pub use bodies::{Device, FanoutFrame, FanoutJob, PresenceJob, PushJob, PushKind, Target};
pub use job::{Job, Jobs, Queue, warm_up};
pub use sqs::Sqs;

#![doc = include_str!("../README.md")]

mod management;
mod push;
mod turns;

pub use management::ManagementApi;
pub use push::{Push, PushError, Pusher};
pub use turns::round_robin;

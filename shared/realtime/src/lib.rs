#![doc = include_str!("../README.md")]

mod management;
mod push;

pub use management::ManagementApi;
pub use push::{Push, PushError, Pusher};

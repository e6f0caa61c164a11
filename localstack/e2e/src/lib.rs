#![doc = include_str!("../README.md")]
#![expect(clippy::expect_used, clippy::missing_panics_doc, reason = "a failed step fails the journey")]

mod api;
mod functions;
mod person;
mod socket;
mod test_stack;

pub use api::{Answer, Api};
pub use client::{group_message, group_name, room_name, with_ticket};
pub use functions::{HttpFunction, Sample, group_rights, http_functions, messages_behind};
pub use gateway::SentMail;
pub use person::{PASSWORD, Person};
pub use socket::Socket;
pub use test_stack::{TestStack, journey, journey_in};

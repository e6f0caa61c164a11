#![doc = include_str!("../README.md")]
#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a journey that can't go on ends where it is, and says why"
)]

mod answer;
mod api;
mod house;
mod person;
mod socket;

pub use answer::Answer;
pub use api::Api;
pub use house::{House, journey, journey_in, unlimited};
pub use person::{PASSWORD, Person, room_name};
pub use socket::Socket;

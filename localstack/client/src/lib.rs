#![doc = include_str!("../README.md")]

mod answer;
mod api;
mod person;
mod socket;

pub use answer::Answer;
pub use api::Api;
pub use person::{Person, group_message, group_name, message, room_name, with_ticket};
pub use reqwest::{Method, RequestBuilder};
pub use socket::Socket;

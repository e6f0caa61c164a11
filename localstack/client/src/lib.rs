#![doc = include_str!("../README.md")]

mod answer;
mod api;
mod live;
mod person;
pub mod rules;
mod smoke;
mod socket;
mod tls;
mod upload;

pub use answer::Answer;
pub use api::Api;
pub use live::Live;
pub use person::{Person, file_message, group_message, group_name, message, room_name, with_ticket};
pub use reqwest::{Method, RequestBuilder, header::HeaderMap};
pub use smoke::Smoke;
pub use socket::Socket;
pub use upload::{File, sha256};

#![doc = include_str!("../README.md")]

mod apns;
mod browser;
mod fcm;
mod jwt;
mod keys;
mod record;
mod refusal;
mod server;

pub use browser::Browser;
pub use keys::Keys;
pub use record::{Fault, Record, Refuse};
pub use server::Providers;

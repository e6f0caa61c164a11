#![doc = include_str!("../README.md")]

mod apns;
mod encryption;
mod endpoint;
mod fcm;
mod health;
mod http;
mod notification;
mod outcome;
mod providers;
mod secret;
mod target;
mod text;
mod tokens;
mod unknown;
mod webpush;
mod words;

pub use encryption::Unencryptable;
pub use endpoint::{Endpoint, Hosts};
pub use notification::{News, Notification, Text};
pub use outcome::Outcome;
pub use providers::Providers;
pub use secret::{BadSecret, PushSecret};
pub use target::{BadTarget, Subscription, Target};

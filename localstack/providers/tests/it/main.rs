//! The clients of the three services against their stand-ins.
#![expect(clippy::unwrap_used, reason = "a failed arrangement ends the test")]

mod apns;
mod faults;
mod fcm;
mod logs;
mod payloads;
mod scene;
mod tokens;
mod webpush;
mod wire;

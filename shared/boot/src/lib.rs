#![doc = include_str!("../README.md")]

mod checks;
mod https;
mod notifications;
mod push;
mod secrets;
mod settings;
mod source;
mod start;
mod telemetry;
mod values;

pub use push::{ProviderUrls, PushSettings};
pub use settings::{Limits, MailSettings, Queues, Settings, SettingsError, Signing, read};
pub use source::{clock, random};
pub use start::{BoxError, time_left, warm_up};
pub use telemetry::telemetry;
pub use values::{Values, values};
